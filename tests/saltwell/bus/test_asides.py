from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.downsample.processor import Downsample, Settings
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from saltwell.bus.admission import PATIENCE_MS
from saltwell.bus.driver import ShardDriver
from saltwell.bus.note import token
from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from saltwell.contracts.columns import i64, pack_i64
from saltwell.contracts.frames import MessageFrame
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded, EpisodeFinished, Review, SetAside
from saltwell.contracts.timeline import (
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    SeqRange,
    StreamDeclared,
    StreamEnded,
    StreamIndex,
)

T0_NS = 1_767_225_600_000_000_000


def _raw(topic: str, value: bytes | None, offset: int = 0) -> Raw:
    return Raw(topic, 0, offset, b"robot", value)


def _event(cls: type, ordinal: int, *rest: Any) -> bytes:
    return Codec().encode(cls("site", "robot", "take", ordinal, *rest))


STARTED = _event(EpisodeStarted, 0, T0_NS, "sort", "", [], {})
STOPPED = _event(EpisodeStopped, 1, T0_NS, None)
OTHER = EpisodeStarted("site", "robot", "other", 0, T0_NS, "sort", "", [], {})


def test_a_record_of_a_closed_episode_goes_to_late_whole() -> None:
    driver = ShardDriver(Synchronize(), 0, Codec())
    for offset, value in enumerate((STARTED, STOPPED)):
        assert not {"dead", "late"} & {r.topic for r in driver.feed(_raw("timeline", value, offset))}
    (aside,) = driver.feed(_raw("timeline", STOPPED, 2))
    assert isinstance(aside.record, SetAside)
    assert aside.topic == "late"
    assert aside.record.value == STOPPED
    assert (aside.record.by, aside.record.topic, aside.record.offset) == ("synchronize", "timeline", 2)
    assert (aside.record.robot, aside.record.episode) == ("robot", "take")


def test_bytes_that_are_no_record_go_to_dead_whole_and_by_the_owner_only() -> None:
    owner = ShardDriver(Score(), 0, Codec())
    (aside,) = owner.feed(_raw("frames.cloud", b"\0rubbish"))
    assert isinstance(aside.record, SetAside)
    assert (aside.topic, aside.record.value, aside.record.by) == ("dead", b"\0rubbish", "score")
    other = ShardDriver(Downsample(Settings()), 0, Codec())
    assert not [*other.feed(_raw("frames.cloud", b"\0rubbish"))]
    assert other.positions() == {"frames.cloud": 1}


@given(st.one_of(st.none(), st.binary(max_size=60)))
def test_no_bytes_stop_a_shard(value: bytes | None) -> None:
    driver = ShardDriver(Score(), 0, Codec())
    assert [r.topic for r in driver.feed(_raw("frames.color", value))] == ["dead"]
    assert driver.positions() == driver.low_watermarks() == {"frames.color": 1}


def _frame(seq: int, episode: str = "take") -> bytes:
    return Codec().encode(
        MessageFrame("site", "robot", episode, "/task", seq, T0_NS, T0_NS, "std_msgs/msg/String", b"")
    )


def _ended(episode: str = "take") -> bytes:
    return Codec().encode(StreamEnded("site", "robot", episode, "/task", "other", 1, 0, 1, []))


def _asides(results: Iterable[Any]) -> list[tuple[str, str]]:
    return [(r.topic, r.record.reason) for r in results if isinstance(r.record, SetAside)]


def test_a_frame_that_comes_before_its_episode_waits_for_it() -> None:
    driver = ShardDriver(Score(), 0, Codec())
    assert [*driver.feed(_raw("frames.other", _frame(0), 5))] == []
    assert set(driver.open_episodes()) == {"take"}
    assert driver.low_watermarks()["frames.other"] == 5, "a crash now must not lose the frame"
    assert not _asides(driver.feed(_raw("timeline", STARTED, 0)))
    (scores, ended) = driver.feed(_raw("frames.other", _ended(), 6))
    assert i64(scores.record.seq).tolist() == [0]
    assert isinstance(ended.record, StreamEnded)


def test_a_frame_behind_the_end_of_its_stream_is_late_whatever_else_is_open() -> None:
    driver = ShardDriver(Score(), 0, Codec())
    for topic, value, offset in (("timeline", STARTED, 0), ("frames.other", _ended(), 0)):
        assert not _asides(driver.feed(_raw(topic, value, offset)))
    assert set(driver.open_episodes()) == {"take"}
    assert _asides(driver.feed(_raw("frames.other", _frame(1), 1))) == [("late", "/task of episode take has ended")]


def test_the_tail_of_an_episode_that_nobody_remembers_does_not_stay_open() -> None:
    """An edge box sends the end of a closed episode again; a restarted reader does not know that it was closed."""
    driver = ShardDriver(Score(), 0, Codec())
    for offset, value in enumerate((_frame(8, "gone"), _ended("gone"))):
        assert not _asides(driver.feed(Raw("frames.other", 0, offset, b"", value, 1_000, 1_000)))
    assert not _asides(driver.feed(Raw("timeline", 0, 0, b"", STARTED, 2_000, 2_000)))
    later_ms = 1_001 + PATIENCE_MS
    beat = _event(FramesIndexed, 1, T0_NS, [])
    late = _asides(driver.feed(Raw("timeline", 0, 1, b"", beat, later_ms, later_ms)))
    assert late == [("late", "episode gone has no EpisodeStarted")] * 2
    assert set(driver.open_episodes()) == {"take"}
    assert driver.low_watermarks()["frames.other"] == 2


def test_an_event_without_its_episode_is_late() -> None:
    driver = ShardDriver(Synchronize(), 0, Codec())
    assert _asides(driver.feed(_raw("timeline", STOPPED, 0))) == [("late", "episode take has no EpisodeStarted")]
    assert driver.open_episodes() == set()


def test_a_silent_robot_is_ended_in_its_place_and_only_once_the_timeline_was_read_to_its_end() -> None:
    driver = ShardDriver(Synchronize(silent_after_ms=1_000), 0, Codec())
    stream = StreamDeclared("/task", "other", 0.0, "hold", "", "", "", "", {})
    started = _event(EpisodeStarted, 0, T0_NS, "sort", "", [stream], {})
    told = StreamIndex("/task", pack_i64([0, 2]), pack_i64([T0_NS, T0_NS]), pack_i64([T0_NS, T0_NS]), 0)
    for offset, value in enumerate((started, _event(FramesIndexed, 1, T0_NS + 5, [told]))):
        assert not [*driver.feed(Raw("timeline", 0, offset, b"", value, 10_000, 10_000))]
    assert not [*driver.end_silent(99_000)], "more may stand in the log"
    assert not [*driver.reached_end("timeline", 2)]
    assert not [*driver.end_silent(500_000)], "silence begins now"
    assert not [*driver.end_silent(501_000)]
    results = [*driver.end_silent(501_001)]
    assert [(r.topic, type(r.record).__name__) for r in results] == [
        ("frames.other", "StreamEnded"),
        ("timeline", "StreamEnded"),
        ("timeline", "EpisodeAborted"),
    ]
    ended, aborted = results[0].record, results[2].record
    assert (ended.last_seq, ended.count, ended.missing) == (2, 2, [SeqRange(1, 1, "source")])
    assert (aborted.stopped_ns, aborted.reason) == (T0_NS + 5, "the robot was silent for 1 s")
    assert not [*driver.end_silent(900_000)], "said once"
    for offset, result in enumerate(results[1:], start=2):
        given = [*driver.feed(Raw("timeline", 0, offset, b"", Codec().encode(result.record), 12_000, 12_000))]
    assert given[-1].record.ending == "aborted"
    assert driver.open_episodes() == set()


def test_a_record_that_its_topic_does_not_carry_goes_to_dead() -> None:
    driver = ShardDriver(Downsample(Settings()), 0, Codec())
    assert not [*driver.feed(_raw("frames.cloud", STARTED))], "its owner sets it aside"
    (aside,) = _asides(ShardDriver(Score(), 0, Codec()).feed(_raw("frames.cloud", STARTED)))
    assert aside == ("dead", "EpisodeStarted does not belong into frames.cloud")


class _Broken:
    """A processor with a defect that one record meets."""

    name, topics = "score", ("frames.other",)

    def __init__(self) -> None:
        self.seen: list[int] = []

    def open(self, shard: int) -> "_Broken":
        return self

    def on_record(self, arrival: Any) -> Iterable[Any]:
        self.seen.append(10 // arrival.record.seq)
        return ()

    def open_episodes(self) -> set[str]:
        return {"take"}

    def close(self) -> None:
        pass


def test_a_defect_that_one_record_meets_does_not_stop_the_shard() -> None:
    broken = _Broken()
    driver = ShardDriver(broken, 0, Codec())
    (aside,) = _asides(driver.feed(_raw("frames.other", _frame(0), 0)))
    assert aside[0] == "dead"
    assert "defect in score: ZeroDivisionError" in aside[1]
    assert not _asides(driver.feed(_raw("frames.other", _frame(5), 1)))
    assert broken.seen == [2]


class _AfterTheEnd(_Broken):
    """Reads what is told of finished episodes, and remembers it."""

    topics = ("episodes.finished", "reviews")

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_record(self, arrival: Any) -> Iterable[Any]:
        self.told.append(arrival.topic)
        return ()

    def open_episodes(self) -> set[str]:
        return set()


def test_words_on_an_episode_that_was_finished_are_not_late() -> None:
    part = _AfterTheEnd()
    driver = ShardDriver(part, 0, Codec())
    finished = EpisodeFinished("site", "robot", "take", "sort", "review", [], "", "", 0, 0, 0, [], [])
    word = Review("site", "robot", "take", "ana", 1, "accept", "", "")
    for topic, offset, record in (("episodes.finished", 0, finished), ("reviews", 0, word), ("reviews", 1, word)):
        assert not [*driver.feed(_raw(topic, Codec().encode(record), offset))]
    assert part.told == ["episodes.finished", "reviews", "reviews"]
    assert driver.low_watermarks() == {"episodes.finished": 1, "reviews": 2}


class _Keeper(_Broken):
    """Keeps its episode open, and counts what it is given."""

    name, topics = "judge", ("alignment",)

    def on_record(self, arrival: Any) -> Iterable[Any]:
        self.seen.append(arrival.offset)
        return ()


def test_an_episode_that_was_aligned_twice_has_its_steps_once() -> None:
    """The second telling of an episode met a synchronizer that did not know it was closed; the first one counts."""
    block = Codec().encode(AlignmentBlock("site", "robot", "take", 0, b"", []))
    ended = Codec().encode(
        AlignmentEnded("site", "robot", "take", "", 0, T0_NS, T0_NS, "sort", "stopped", "", None, [])
    )
    keeper = _Keeper()
    driver = ShardDriver(keeper, 0, Codec())
    for offset, value in enumerate((block, ended)):
        assert not _asides(driver.feed(_raw("alignment", value, offset)))
    for offset, value in enumerate((block, ended), start=2):
        assert _asides(driver.feed(_raw("alignment", value, offset))) == [
            ("late", "alignment of episode take has ended")
        ]
    assert keeper.seen == [0, 1]


def test_what_waits_is_given_up_though_all_that_the_timeline_tells_is_late() -> None:
    """The only robot of a shard goes on with an episode whose beginning nobody remembers."""
    driver = ShardDriver(Score(), 0, Codec())
    assert not _asides(driver.feed(Raw("frames.other", 0, 0, b"", _frame(8), 1_000, 1_000)))
    later_ms = 1_001 + PATIENCE_MS
    beat = Raw("timeline", 0, 0, b"", _event(FramesIndexed, 1, T0_NS, []), later_ms, later_ms)
    assert ("late", "episode take has no EpisodeStarted") in _asides(driver.feed(beat))
    assert driver.open_episodes() == set()
    assert driver.low_watermarks()["frames.other"] == 1


def test_what_waited_at_a_commit_is_not_dropped_by_replay() -> None:
    """The event of the timeline that passed it was read before the frame, then; in replay it comes behind it."""
    later_ms = 1_001 + PATIENCE_MS
    started = Raw("timeline", 0, 0, b"", Codec().encode(OTHER), later_ms, later_ms)
    frame = Raw("frames.other", 0, 0, b"", _frame(8), 1_000, 1_000)
    first = ShardDriver(Score(), 0, Codec())
    assert not _asides([*first.feed(started), *first.feed(frame)])
    was_open = {token(episode) for episode in first.open_episodes()}
    again = ShardDriver(Score(), 0, Codec(), marks=first.positions(), open_episodes=was_open)
    assert not _asides([*again.feed(frame), *again.feed(started)])
    assert not again.replaying
    beat = Codec().encode(FramesIndexed("site", "robot", "other", 1, T0_NS, []))
    late = _asides(again.feed(Raw("timeline", 0, 1, b"", beat, later_ms, later_ms)))
    assert late == [("late", "episode take has no EpisodeStarted")]


def test_a_frame_behind_the_end_of_its_stream_is_late_though_both_waited_for_the_episode() -> None:
    driver = ShardDriver(Score(), 0, Codec())
    for offset, value in enumerate((_frame(0), _ended(), _frame(1))):
        assert not _asides(driver.feed(_raw("frames.other", value, offset)))
    assert _asides(driver.feed(_raw("timeline", STARTED, 0))) == [("late", "/task of episode take has ended")]


def test_a_topic_that_holds_nothing_new_is_committed_with_the_others() -> None:
    """Else the note of an earlier life stays beside it, and tells of episodes that were closed since."""
    driver = ShardDriver(Score(), 0, Codec(), offsets={"timeline": 4, "frames.other": 9, "frames.color": -2}, marks={})
    assert driver.positions() == driver.low_watermarks() == {"timeline": 4, "frames.other": 9}
    replaying = ShardDriver(Score(), 0, Codec(), offsets={"timeline": 4, "frames.other": 9}, marks={"timeline": 6})
    assert replaying.positions() == {"frames.other": 9}
    assert not [*replaying.reached_end("timeline", 7)]
    assert replaying.positions() == {"timeline": 6, "frames.other": 9}
