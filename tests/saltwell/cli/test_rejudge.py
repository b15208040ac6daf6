"""Stored episodes are judged again from their own files."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import saltwell.cli.rejudge as command
from processors.judge.again import judge_by, learn_from
from processors.judge.baselines import load_baselines
from processors.judge.criteria import BUILT_IN, load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.replay.player import Part, play
from saltwell.bus.memory import MemoryBus
from saltwell.cli import baselines
from saltwell.errors import StopError
from sinks.episodes.evidence import stored_evidence
from sinks.episodes.processor import Episodes
from sinks.store import open_store

PARTS = {"store": stored_evidence, "judge": judge_by, "learn": learn_from}


class Outbox:
    """Puts what is published into an in-memory log."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def send(self, topic, record, *, on_lost=None):
        self._bus.append(topic, record)
        return 0

    def flush(self):
        pass


@pytest.fixture(scope="module")
def store(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one real episode: the arm that stands still at first, and repeats nothing."""
    folder = tmp_path_factory.mktemp("store")
    bus = MemoryBus()
    part = Part("g1-04", "take-29")
    play(
        recordings / "g1_pick_bottle_29.mcap",
        Outbox(bus),
        [part],
        site="zigong",
        task=None,
        real_time=False,
        on_message=lambda: None,
    )
    for processor in (Synchronize(), Score(), Judge(load_criteria())):
        bus.run(processor)
    bus.run(Episodes(open_store(str(folder)), folder))
    (verdict,) = bus.records("verdicts")
    assert [r.code for r in verdict.reasons if r.severity == "review"] == ["repeats"]
    return folder


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "part", PARTS.__getitem__)


def test_the_same_criteria_give_the_same_verdict_from_the_stored_file(store: Path) -> None:
    (one,) = command.rejudged(stored_evidence(str(store), []), judge_by(None))
    assert (one.decision, one.decision_before) == ("review", "review")
    assert one.criteria_version == one.criteria_before
    assert [(r.code, r.stream, round(r.value, 3)) for r in one.reasons if r.severity == "review"] == [
        ("repeats", "/head/color", 0.253)
    ]


def test_other_criteria_change_the_verdict_and_not_a_byte_of_the_store(store: Path, tmp_path: Path) -> None:
    stricter = tmp_path / "stricter.toml"
    text = BUILT_IN.read_text()
    at = text.index("review", text.index('code = "repeats"'))
    stricter.write_text(text[:at] + "reject = 0.2\n" + text[at:])
    before = digests(store)
    result = CliRunner().invoke(
        command.rejudge, ["--store", str(store), "--criteria", str(stricter)], catch_exceptions=False
    )
    assert "take-29  reject, was review" in result.output
    assert "1 episodes judged, 1 decisions changed" in result.output
    assert digests(store) == before


def test_an_episode_that_is_not_there_is_named(store: Path) -> None:
    with pytest.raises(StopError, match="take-30"):
        list(stored_evidence(str(store), ["take-30"]))


def test_baselines_are_learned_from_accepted_episodes_only(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "baselines.json"
    monkeypatch.setattr(baselines, "part", PARTS.__getitem__)
    with pytest.raises(StopError, match="no accepted episode"):
        CliRunner().invoke(baselines.baselines, ["learn", "--store", str(store)], catch_exceptions=False)
    accepted = [replace(one, decision="accept") for one in stored_evidence(str(store), [])]
    monkeypatch.setitem(PARTS, "store", lambda *_: iter(accepted))
    arguments = ["learn", "--store", str(store), "--out", str(out)]
    said = CliRunner().invoke(baselines.baselines, arguments, catch_exceptions=False).output
    assert "learned from 1 accepted episodes" in said
    (one,) = command.rejudged(accepted, judge_by(None, out))
    assert one.criteria_version == f"{load_criteria().version}/{load_baselines(out).version}"


def test_a_file_without_evidence_is_a_damaged_episode(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.episodes.evidence.EVIDENCE", "/saltwell/other")
    with pytest.raises(StopError, match="holds no evidence"):
        list(stored_evidence(str(store), []))


def digests(folder: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}
