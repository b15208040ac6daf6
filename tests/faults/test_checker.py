"""The checker can fail: each way of being wrong is reported, by its name and by nothing else."""

import dataclasses
import json
from collections.abc import Sequence

import pytest

from bench.faults.checker import NEVER, check
from bench.faults.held import Held, read_held
from bench.faults.sent import Sent, digest

FRAMES = {("/head/color", seq): digest(bytes([seq])) for seq in range(5)}
SENT = Sent("robot", "take", FRAMES)


def held(**changed: object) -> Held:
    whole = Held("abc", frames=list(FRAMES.items()), alignment="steps")
    return dataclasses.replace(whole, **changed)


def kinds_found(held: Held | None, announced: Sequence[str] = ("abc",), **how: object) -> dict[str, int]:
    counts = check(SENT, held, announced, **how).counts()
    return {name: count for name, count in counts.items() if count}


def test_a_whole_episode_is_clean():
    assert kinds_found(held(), steps="steps") == {}


def test_a_removed_frame_is_lost():
    assert kinds_found(held(frames=list(FRAMES.items())[1:])) == {"lost": 1}


def test_a_removed_frame_that_is_listed_is_lost_unless_the_fault_may_lose_so():
    short = held(frames=list(FRAMES.items())[1:], listed={("/head/color", 0): "log"})

    assert kinds_found(short) == {"lost": 1}
    assert kinds_found(short, causes=("source",)) == {"lost": 1}
    assert kinds_found(short, causes=("log",)) == {}
    assert check(SENT, short, ["abc"]).listed == {"log": 1}


def test_a_doubled_frame_is_a_duplicate():
    assert kinds_found(held(frames=[*FRAMES.items(), *list(FRAMES.items())[:1]])) == {"duplicate": 1}


def test_an_episode_announced_twice_is_a_duplicate():
    assert kinds_found(held(), ["abc", "abc"]) == {"duplicate": 1}


@pytest.mark.parametrize("frame", [(("/head/color", 0), "other"), (("/head/color", 5), "more"), (("/new", 0), "more")])
def test_other_bytes_and_frames_that_nobody_sent_are_torn(frame):
    frames = {**FRAMES, frame[0]: frame[1]}

    assert kinds_found(held(frames=list(frames.items()))) == {"torn": 1}


def test_a_frame_that_is_there_and_listed_as_lost_is_torn():
    assert kinds_found(held(listed={("/head/color", 0): "log"}), causes=("log",)) == {"torn": 1}


def test_other_steps_than_an_undisturbed_run_gives_are_torn():
    assert kinds_found(held(), steps="others") == {"torn": 1}


def test_an_unannounced_episode_is_unseen_and_an_announced_one_that_is_not_stored_too():
    assert kinds_found(held(), []) == {"unseen": 1}
    assert kinds_found(held(), ["another manifest"]) == {"unseen": 1}
    assert kinds_found(None, ["abc"]) == {"unseen": 1}


def test_an_episode_that_is_nowhere_is_unfinished():
    assert kinds_found(None, []) == {"unfinished": 1}


def test_every_kind_has_its_test():
    assert set(NEVER) == {"lost", "duplicate", "torn", "unseen", "unfinished"}


@pytest.fixture(scope="module")
def stored(runner) -> Sent:
    """A real finished episode."""
    return runner.sent[0][0]


def findings_of(rig, sent: Sent) -> dict[str, int]:
    held = read_held(rig.store, sent.episode)
    counts = check(sent, held, rig.watch.seen.announced[sent.episode]).counts()
    return {name: count for name, count in counts.items() if count}


def test_a_real_episode_is_clean_byte_for_byte(rig, stored):
    assert findings_of(rig, stored) == {}


def test_a_torn_file_in_the_store_is_reported(rig, stored):
    marker = json.loads(rig.store.get(f"finished/{stored.episode}.json"))
    key = f"{marker['manifest'].rpartition('/')[0]}/episode.mcap"
    whole = rig.store.get(key)
    rig.store.put(key, whole[: len(whole) // 2])
    try:
        assert findings_of(rig, stored)["torn"] >= 1
    finally:
        rig.store.put(key, whole)


def test_a_missing_manifest_is_reported(rig, stored):
    marker = rig.store.get(f"finished/{stored.episode}.json")
    rig.store.put(f"finished/{stored.episode}.json", marker.replace(b"manifest.json", b"nothing.json"))
    try:
        assert findings_of(rig, stored)["torn"] >= 1
    finally:
        rig.store.put(f"finished/{stored.episode}.json", marker)


def test_a_message_that_was_sent_and_is_in_no_episode_is_reported(rig, stored):
    more = dataclasses.replace(stored, frames={**stored.frames, ("/head/color", 10_000): "x"})

    assert findings_of(rig, more) == {"lost": 1}


def test_an_episode_that_was_never_announced_is_reported(rig, stored):
    assert check(stored, read_held(rig.store, stored.episode), []).counts()["unseen"] == 1
