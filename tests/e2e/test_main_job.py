"""Recordings in, finished episodes out, through real processes and a real Kafka."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from mcap.reader import make_reader

from saltwell.contracts.results import EpisodeFinished

pytestmark = pytest.mark.slow

CLEAN = "station_composite_6s.mcap"
FAULTY = "station_composite_faults.mcap"

Messages = dict[str, list[tuple[int, bytes]]]


def archive_of(episode: EpisodeFinished) -> Path:
    return Path(unquote(urlsplit(episode.uri).path)) / "episode.mcap"


def messages_of(path: Path) -> Messages:
    found: Messages = {}
    with path.open("rb") as file:
        for _, channel, message in make_reader(file).iter_messages(log_time_order=False):
            found.setdefault(channel.topic, []).append((message.log_time, message.data))
    return {topic: sorted(messages) for topic, messages in found.items()}


def ledger_of(episode: EpisodeFinished) -> dict[str, Any]:
    return {ledger.stream: ledger for ledger in episode.streams}


def test_every_byte_and_stamp_of_a_clean_recording_arrives_and_nothing_is_lost(pipeline, recordings):
    [episode] = pipeline.finished(pipeline.replay(recordings / CLEAN, robot="clean", speed="max"))

    recorded, archived = messages_of(recordings / CLEAN), messages_of(archive_of(episode))
    for topic, messages in recorded.items():
        assert archived[topic] == messages, topic
    assert {s.stream for s in episode.streams} == recorded.keys()
    for ledger in episode.streams:
        assert ledger.sent == ledger.written == len(recorded[ledger.stream])
        assert ledger.lost == ledger.duplicates == ledger.dead == 0
    assert episode.decision == "accept"
    assert episode.task == "pick up the yellow bottle"
    assert len(archived["/torso/points/sampled"]) == len(recorded["/torso/points"])
    assert len(archived["/saltwell/alignment"]) == episode.steps == len(recorded["/head/color"])


def test_injected_faults_are_in_the_ledger_and_among_the_reasons_and_nothing_else_is_lost(pipeline, recordings):
    [episode] = pipeline.finished(pipeline.replay(recordings / FAULTY, robot="faulty", speed="max"))

    ledger = ledger_of(episode)
    lost = {name: entry.lost for name, entry in ledger.items() if entry.lost}
    assert lost == {"/head/color": 13, "/torso/points": 1}  # 12 dropped and 1 corrupt; 1 truncated
    assert {n: e.dead for n, e in ledger.items() if e.dead} == {"/head/color": 1, "/torso/points": 1}
    assert {n: e.duplicates for n, e in ledger.items() if e.duplicates} == {"/head/color": 2, "/joint_states": 5}
    assert all(e.sent == e.written + e.lost for e in ledger.values())
    assert episode.decision == "reject"
    found = {(r.code, r.stream) for r in episode.reasons}
    assert {
        ("loss", "/head/color"),
        ("unreadable", "/torso/points"),
        ("blur", "/head/color"),
        ("freeze", "/chest/depth"),
        ("thin_cloud", "/torso/points"),
        ("torque_spike", "/joint_states"),
        ("clock_step", "/vr/head"),
    } <= found
    manifest = json.loads((archive_of(episode).parent / "manifest.json").read_text())
    named = {name: len(entry["unreadable"]) for name, entry in manifest["streams"].items() if entry["unreadable"]}
    assert named == {"/head/color": 1, "/torso/points": 1}


def test_eight_robots_at_once_give_eight_balanced_episodes(pipeline, recordings):
    episodes = pipeline.finished(pipeline.replay(recordings / CLEAN, robot="eight", robots="8", speed="max"))

    assert len({e.episode for e in episodes}) == 8
    for episode in episodes:
        assert all(s.lost == 0 and s.sent == s.written for s in episode.streams)


def test_the_same_recording_sent_again_under_its_id_changes_nothing(pipeline, recordings):
    first = pipeline.replay(recordings / CLEAN, robot="again", speed="max", episode="again-1")
    [before] = pipeline.finished(first)
    archive = archive_of(before).read_bytes()

    pipeline.replay(recordings / CLEAN, robot="again", speed="max", episode="again-1")
    # What comes after it passes through the same shard later, so the copy has been dealt with by then.
    pipeline.finished(pipeline.replay(recordings / CLEAN, robot="again", speed="max"))

    assert archive_of(before).read_bytes() == archive
    assert len([*archive_of(before).parent.parent.iterdir()]) == 1


def test_episodes_are_listed_shown_and_verified(pipeline, recordings, run):
    [episode] = pipeline.finished(pipeline.replay(recordings / CLEAN, robot="listed", speed="max"))
    store = ("--store", str(pipeline.store))

    listed = json.loads(run("episodes", "ls", *store, "--json").stdout)
    assert episode.episode in {e["id"] for e in listed}
    assert json.loads(run("episodes", "show", episode.episode, *store, "--json").stdout)["decision"] == "accept"
    assert run("episodes", "verify", episode.episode, *store).returncode == 0
