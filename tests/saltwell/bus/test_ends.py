"""Ends of streams that retention took."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.publisher import EpisodePublisher
from producers.sample import JointSample, MessageSample, PoseSample
from saltwell.bus.driver import ShardDriver
from saltwell.bus.ends import PATIENCE_MS, Ends
from saltwell.bus.memory import MemoryBus
from saltwell.bus.raw import Raw
from saltwell.contracts.results import StreamLedger, Verdict
from saltwell.contracts.timeline import EpisodeStopped, StreamDeclared, StreamEnded
from saltwell.ledger import balances

T0_NS = 1_767_225_600_000_000_000
JOINTS, POSE, WORDS = "/joints", "/pose", "/words"
STREAMS = [
    StreamDeclared(JOINTS, "joints", 100.0, "linear", "JointState", "cdr", "ros2msg", "", {}),
    StreamDeclared(POSE, "pose", 50.0, "slerp", "PoseStamped", "cdr", "ros2msg", "", {}),
    StreamDeclared(WORDS, "other", 0.0, "hold", "std_msgs/msg/String", "cdr", "ros2msg", "", {}),
]
TOPICS = ("frames.joints", "frames.pose", "frames.other")
TAKES = ("take-0", "take-1")
SENT = {JOINTS: 30, POSE: 15, WORDS: 3}


def _samples(begin_ns: int) -> list[Any]:
    def at(i: int, hz: int) -> tuple[int, int]:
        return begin_ns + i * 1_000_000_000 // hz, begin_ns + i * 1_000_000_000 // hz + 3_000_000

    two, orientation = np.array([0.1, 0.2]), np.array([0.0, 0, 0, 1])
    found: list[Any] = [
        *(JointSample(JOINTS, *at(i, 100), "", ("a", "b"), two * i, two, two) for i in range(SENT[JOINTS])),
        *(PoseSample(POSE, *at(i, 50), "", np.array([i, 0.0, 0.0]), orientation) for i in range(SENT[POSE])),
        *(MessageSample(WORDS, *at(i, 10), "std_msgs/msg/String", b"%d" % i) for i in range(SENT[WORDS])),
    ]
    return sorted(found, key=lambda s: s.arrived_ns)


def _published() -> MemoryBus:
    bus = MemoryBus()
    for i, episode in enumerate(TAKES):
        begin_ns = T0_NS + i * 1_000_000_000
        publisher = EpisodePublisher(MemoryOutbox(bus), site="site", robot="robot", episode=episode)
        publisher.start(STREAMS, started_ns=begin_ns, task="sort", source={})
        for sample in _samples(begin_ns):
            publisher.publish(sample)
        publisher.stop(stopped_ns=begin_ns + 300_000_000)
    return bus


def _judged(bus: MemoryBus) -> dict[str, dict[str, StreamLedger]]:
    bus.run(Synchronize())
    bus.run(Judge(load_criteria()))
    verdicts: list[Verdict] = bus.records("verdicts")
    assert sorted(v.episode for v in verdicts) == sorted(TAKES), "one verdict an episode"
    return {v.episode: {ledger.stream: ledger for ledger in v.streams} for v in verdicts}


@settings(max_examples=25, deadline=None)
@given(
    shares=st.tuples(*[st.floats(0, 1)] * len(TOPICS)),
    seeds=st.tuples(st.integers(0, 2**32), st.integers(0, 2**32)),
    stop_after=st.integers(0, 120),
)
def test_whatever_retention_takes_of_the_frames_every_episode_is_judged_with_its_losses_listed(
    shares, seeds, stop_after
) -> None:
    """The scorer dies somewhere, retention takes any part of its topics meanwhile, and it comes back."""
    bus = _published()
    first = bus.run(Score(), seed=seeds[0], stop_after=stop_after)
    start, marks, still_open = first.low_watermarks(), first.positions(), list(first.open_episodes())
    for topic, share in zip(TOPICS, shares, strict=True):
        bus.truncate(topic, round(share * len(bus.records(topic))))
    last = bus.run(Score(), seed=seeds[1], start=start, marks=marks, open_episodes=still_open)
    assert not last.replaying
    assert not [*last.open_episodes()]
    for ledgers in _judged(bus).values():
        for stream, ledger in ledgers.items():
            assert balances(ledger)
            assert ledger.sent == SENT[stream]
            assert {r.cause for r in ledger.missing} <= {"log"}


def test_a_topic_of_which_retention_took_everything_is_listed_as_lost_whole() -> None:
    bus = _published()
    bus.truncate("frames.pose", len(bus.records("frames.pose")))
    driver = bus.run(Score())
    assert not [*driver.open_episodes()]
    assert driver.low_watermarks() == driver.positions(), "nothing would be read again"
    for ledgers in _judged(bus).values():
        assert {s: (ledger.written, ledger.lost) for s, ledger in ledgers.items()} == {
            JOINTS: (SENT[JOINTS], 0),
            POSE: (0, SENT[POSE]),
            WORDS: (SENT[WORDS], 0),
        }
        assert [(r.first, r.count, r.cause) for r in ledgers[POSE].missing] == [(0, SENT[POSE], "log")]


ENDED = StreamEnded("site", "robot", "take", WORDS, "other", 1, 0, 1, [])
STOPPED = EpisodeStopped("site", "robot", "take", 2, T0_NS, None)
LATER_MS = PATIENCE_MS + 1


@pytest.fixture
def over() -> Ends:
    """The timeline has told the end of a stream and of its episode."""
    ends = Ends(("frames.other", "timeline"))
    ends.note("timeline", ENDED)
    ends.note("timeline", STOPPED)
    assert not ends.overdue(0)
    return ends


def test_an_end_that_may_still_be_read_is_waited_for(over: Ends) -> None:
    assert over.overdue(LATER_MS) == {"frames.other"}
    over.hold({"frames.other": 7})
    over.read_to("frames.other", 6)
    assert not over.taken(), "the end may be the record at 6"
    assert not over.overdue(2 * LATER_MS), "asked once"
    over.note("frames.other", ENDED)
    over.read_to("frames.other", 7)
    assert not over.taken(), "it was"


def test_an_end_that_does_not_stand_where_it_must_was_taken(over: Ends) -> None:
    over.read_to("frames.other", 7)
    assert not over.taken(), "where it must stand is not known yet"
    over.overdue(LATER_MS)
    over.hold({"frames.other": 7})
    assert over.taken() == [("frames.other", ENDED)]
    over.note("frames.other", ENDED)
    assert not over.taken()


def _untold(ends: Ends) -> None:
    ends.note("timeline", STOPPED)


def _not_stopped(ends: Ends) -> None:
    ends.note("timeline", ENDED)


def _read(ends: Ends) -> None:
    ends.note("frames.other", ENDED)
    ends.note("timeline", ENDED)
    ends.note("timeline", STOPPED)


def _closed(ends: Ends) -> None:
    ends.note("timeline", ENDED)
    ends.note("timeline", STOPPED)
    ends.close("take")


@pytest.mark.parametrize("story", [_untold, _not_stopped, _read, _closed])
def test_nobody_asks_for_what_is_not_missing(story: Callable[[Ends], None]) -> None:
    ends = Ends(("frames.other", "timeline"))
    story(ends)
    assert not ends.overdue(0)
    assert not ends.overdue(LATER_MS)


def test_who_does_not_read_a_topic_does_not_wait_for_it() -> None:
    ends = Ends(("timeline",))
    ends.note("timeline", ENDED)
    ends.note("timeline", STOPPED)
    assert not ends.overdue(0)
    assert not ends.overdue(LATER_MS)


def test_a_shard_in_replay_gives_no_end() -> None:
    bus = _published()
    driver = ShardDriver(Score(), 0, bus.codec, marks={"timeline": 2, "frames.joints": 1})
    assert not [*driver.feed(Raw("timeline", 0, 0, b"", bus.codec.encode(bus.records("timeline")[0])))]
    assert not driver.overdue(0)
    assert not [*driver.give_taken_ends({})]
