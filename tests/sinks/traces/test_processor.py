import pytest

from saltwell.bus.memory import MemoryBus
from saltwell.contracts.results import EpisodeFinished, Reason, Verdict
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStarted, EpisodeStopped
from saltwell.contracts.trace import ROOT, trace_id
from sinks.traces.processor import Traces
from sinks.traces.spans import Life, Span

TAKE = ("zigong", "g1-04", "take-1")
FROZEN = Reason("freeze", "/head/color", "review", 0.8, 0.5, "s", 3, 4, "frozen")
STARTED = EpisodeStarted(*TAKE, 0, 1, "sort", "", (), {})
STOPPED = EpisodeStopped(*TAKE, 1, 9, None)
ABORTED = EpisodeAborted(*TAKE, -1, 9, "silent")
JUDGED = Verdict(*TAKE, "review", (FROZEN,), "1", ())
FINISHED = EpisodeFinished(*TAKE, "sort", "review", (FROZEN,), "s3://b/take-1", "", 7, 3, 9, (), ())


def exported(bus: MemoryBus, *, seed: int) -> list[list[Span]]:
    told: list[list[Span]] = []
    bus.run(Traces(lambda spans: told.append([*spans])), seed=seed)
    return told


@pytest.mark.parametrize("end", [STOPPED, ABORTED], ids=["stopped", "aborted"])
def test_the_spans_lie_where_the_log_learned_of_the_events(end):
    life = Life()
    for record, at_ms in ((FINISHED, 9_000), (STARTED, 1_000), (end, 7_000), (end, 8_000), (JUDGED, 7_500)):
        assert [*life.spans()] == []
        life.see(record, at_ms)

    root, *below = life.spans()
    assert (root.name, root.begin_ms, root.end_ms, root.parent) == (ROOT, 1_000, 9_000, "")
    assert [(s.name, s.begin_ms, s.end_ms) for s in below] == [
        ("take", 1_000, 7_000), ("verdict", 7_000, 7_500), ("store", 7_500, 9_000),
    ]  # fmt: skip
    assert {s.trace for s in below} == {root.trace} == {trace_id("g1-04", "take-1")}
    assert {s.parent for s in below} == {root.id}
    assert root.about["saltwell.reasons"] == ("freeze",)


@pytest.mark.parametrize("seed", range(5))
def test_an_episode_is_one_trace_however_its_topics_interleave(seed):
    bus = MemoryBus()
    for topic, record in (("timeline", STARTED), ("timeline", STOPPED), ("verdicts", JUDGED)):
        bus.append(topic, record)
    assert exported(bus, seed=seed) == []
    bus.append("episodes.finished", FINISHED)
    [spans] = exported(bus, seed=seed)
    assert [span.name for span in spans] == [ROOT, "take", "verdict", "store"]


def test_an_episode_that_was_thrown_away_is_no_trace_and_holds_nothing():
    bus = MemoryBus()
    for record in (STARTED, EpisodeDiscarded(*TAKE, 1, 9, "dropped the part")):
        bus.append("timeline", record)
    assert not bus.run(Traces(lambda _: None)).open_episodes()
