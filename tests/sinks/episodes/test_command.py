import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from saltwell.contracts.results import Review
from saltwell.errors import StopError
from sinks.episodes.command import episodes
from sinks.episodes.commit import commit
from sinks.episodes.reviews import put_review
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]
EPISODE = "20260101T000000-g1-04-aa0001"


@pytest.fixture
def filled(tmp_path: Path, make_take: MakeTake) -> Store:
    store = open_store(str(tmp_path / "store"), create=True)
    for name in (EPISODE, "20260101T000100-g1-04-aa0002"):
        take = make_take(episode=name, task="sort the parts into the boxes by colour, then by size" * 2)
        commit(store, take.manifest, take.file)
    return store


def run(store: Store, *args: str) -> Result:
    return CliRunner().invoke(episodes, [*args, "--store", store.url])


def test_ls_is_a_table_of_100_columns_in_order_of_time(filled: Store) -> None:
    result = run(filled, "ls")

    head, first, second = result.output.splitlines()
    assert head.split() == ["EPISODE", "ROBOT", "DECISION", "STEPS", "SECONDS", "LOST", "MB", "TASK"]
    assert first.split()[:7] == [EPISODE, "g1-04", "review", "29", "1.0", "1", "0.2"]
    assert second.startswith("20260101T000100-g1-04-aa0002")
    assert max(map(len, result.output.splitlines())) == 100
    assert result.output.isascii()


def test_ls_as_json_is_the_form_of_all_reports(filled: Store) -> None:
    first, _ = json.loads(run(filled, "ls", "--json").output)

    assert first.pop("uri").startswith(filled.uri("episodes/g1-04/" + EPISODE))
    assert first.pop("task").startswith("sort the parts")
    assert first == {
        "id": EPISODE,
        "robot": "g1-04",
        "decision": "review",
        "reasons": [{"code": "loss", "stream": "/head/color", "severity": "review"}],
        "steps": 29,
        "streams": {
            "/head/color": {"sent": 30, "written": 29, "lost": 1, "duplicates": 2, "dead": 1},
            "/joint_states": {"sent": 30, "written": 30, "lost": 0, "duplicates": 0, "dead": 0},
        },
        "skew_ns": {
            "/head/color": {"p50": 0.0, "p99": 1_500_000.0},
            "/joint_states": {"p50": 0.0, "p99": 1_500_000.0},
        },
        "review": None,
    }


REVIEW = Review("zigong", "g1-04", EPISODE, "ana", 1_767_225_700_000_000_000, "reject", "stack", "the box fell")


def test_what_people_said_is_shown_and_the_verdict_stays(filled: Store) -> None:
    for review in (REVIEW, replace(REVIEW, reviewer="bo", reviewed_ns=1_767_225_600_000_000_000, decision="accept")):
        put_review(filled, review)

    _, row, other, note = run(filled, "ls").output.splitlines()
    assert row.split()[2::5] == ["reject*", "stack"]
    assert other.split()[2] == "review"
    assert note == "* a person's word"
    listed = json.loads(run(filled, "ls", "--json").output)[0]
    assert (listed["decision"], listed["review"]["decision"], listed["review"]["reviewer"]) == (
        "review",
        "reject",
        "ana",
    )
    page = run(filled, "show", EPISODE).output
    assert "decision  review, criteria 1-ab12" in page
    bo, ana = (
        page.index(name) for name in ("bo, 2026-01-01 00:00:00 UTC: accept", "ana, 2026-01-01 00:01:40 UTC: reject")
    )
    assert bo < ana
    assert "reject; task: stack; the box fell" in page


def test_ls_of_an_empty_store_says_so(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty"), create=True)

    assert "no finished episodes in" in run(store, "ls").output
    assert json.loads(run(store, "ls", "--json").output) == []


def test_ls_shows_the_others_when_one_is_damaged(filled: Store) -> None:
    (key, _) = (key for key in filled.list(f"episodes/g1-04/{EPISODE}"))
    filled.put(key.rpartition("/")[0] + "/manifest.json", b"{}")

    result = run(filled, "ls", "--json")

    assert [one["id"] for one in json.loads(result.stdout)] == ["20260101T000100-g1-04-aa0002"]
    assert EPISODE in result.stderr
    assert isinstance(result.exception, StopError)
    assert "1 of 2 episodes" in str(result.exception)


def test_show_tells_what_a_person_asks(filled: Store) -> None:
    result = run(filled, "show", EPISODE)

    assert "decision  review, criteria 1-ab12" in result.output
    assert "review: loss /head/color: 1 of 30 frames of /head/color are lost." in result.output
    assert "  /head/color frame 7: unreadable" in result.output
    row = next(line for line in result.output.splitlines() if line.startswith("/joint_states"))
    assert row.split() == ["/joint_states", "joints", "30", "30", "0", "0", "0", "0.00", "1.50"]


def test_show_as_json_is_the_stored_manifest(filled: Store, make_take: MakeTake) -> None:
    result = run(filled, "show", EPISODE, "--json")

    (key,) = (key for key in filled.list(f"episodes/g1-04/{EPISODE}") if key.endswith("manifest.json"))
    assert result.stdout_bytes == filled.get(key)


def test_an_unknown_episode_is_one_line_with_similar_names(filled: Store) -> None:
    for command in ("show", "verify"):
        result = run(filled, command, "20260101T000000-g1-04-aa0009")

        assert isinstance(result.exception, StopError)
        assert f"did you mean {EPISODE}" in str(result.exception)


def test_verify_exits_with_0_for_a_whole_episode_and_1_for_a_damaged_one(filled: Store) -> None:
    whole = run(filled, "verify", EPISODE)
    assert whole.exit_code == 0
    assert f"episode {EPISODE} is whole: 89 messages of 4 streams" in whole.output

    (key,) = (key for key in filled.list(f"episodes/g1-04/{EPISODE}") if key.endswith(".mcap"))
    filled.put(key, filled.get(key)[:-100])

    damaged = run(filled, "verify", EPISODE)
    assert damaged.exit_code == 1
    assert "is damaged:" in damaged.output
    report = json.loads(run(filled, "verify", EPISODE, "--json").output)
    assert report["episode"] == EPISODE
    assert len(report["problems"]) == 2


def test_commands_start_without_a_store_to_show_their_help() -> None:
    for command in ((), ("ls",), ("show",), ("verify",)):
        result = CliRunner().invoke(episodes, [*command, "--help"])
        assert result.exit_code == 0
        assert "Example:" in result.output


def test_the_environment_names_the_store_and_errors_are_one_line(filled: Store, tmp_path: Path) -> None:
    def saltwell(store: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "saltwell.cli.main", "episodes", "verify", EPISODE],
            env=os.environ | {"SALTWELL_STORE": store},
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )

    assert saltwell(filled.url).returncode == 0
    refused = saltwell(str(tmp_path / "typo"))
    assert refused.returncode == 1
    assert refused.stderr.startswith("saltwell: no store at")
    assert len(refused.stderr.splitlines()) == 1


def test_times_and_words_of_unusual_episodes_can_be_shown(filled: Store, make_take: MakeTake) -> None:
    take = make_take(episode="odd", task="")
    timeless = {name: replace(entry, timing=None) for name, entry in take.manifest.streams.items()}
    odd = replace(
        take.manifest,
        task="two\nlines \x1b[2J",
        anchor="",
        reasons=(),
        success=True,
        ending="aborted",
        started_ns=-(2**62),
        streams=timeless,
    )
    commit(filled, odd, take.file)

    output = run(filled, "show", "odd").output

    assert "two?lines ?[2J" in output

    assert "a fixed rate" in output
    assert "aborted" in output


def test_open_says_what_to_type_and_copies_the_file_when_asked(filled: Store, tmp_path: Path) -> None:
    (key,) = (key for key in filled.list(f"episodes/g1-04/{EPISODE}") if key.endswith(".mcap"))
    there = run(filled, "open", EPISODE).output
    assert f"rerun {filled.folder}/{key}\n" in there
    assert f"rerun mcap convert {filled.folder}/{key} -o {EPISODE}.rrd" in there

    copied = tmp_path / "my takes" / f"{EPISODE}.mcap"
    assert f"rerun '{copied}'\n" in run(filled, "open", EPISODE, "--to", str(copied.parent)).output
    assert copied.read_bytes() == filled.get(key)
    assert [*copied.parent.iterdir()] == [copied]


def test_open_of_an_episode_on_a_server_says_how_to_fetch_it(
    faulty_s3: Any, make_take: MakeTake, tmp_path: Path
) -> None:
    take = make_take(episode=EPISODE)
    commit(faulty_s3.store, take.manifest, take.file)

    assert (
        f"saltwell episodes open {EPISODE} --store {faulty_s3.store.url} --to ."
        in run(faulty_s3.store, "open", EPISODE).output
    )
    run(faulty_s3.store, "open", EPISODE, "--to", str(tmp_path / "here"))
    assert (tmp_path / "here" / f"{EPISODE}.mcap").read_bytes() == take.file.read()
