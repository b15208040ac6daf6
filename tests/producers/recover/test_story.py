from dataclasses import replace

from producers.recover.story import RECOVERED_FROM, Story
from saltwell.contracts.columns import pack_i64
from saltwell.contracts.timeline import (
    NOT_THE_ROBOT,
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    SeqRange,
    StreamDeclared,
    StreamEnded,
    StreamIndex,
)

WHO = ("site", "robot", "take")
STREAM = StreamDeclared("/task", "other", 0.0, "hold", "", "", "", "", {})
STARTED = EpisodeStarted(*WHO, 0, 100, "sort", "", [STREAM], {"file": "a.mcap"})


def _told(ordinal: int, *seqs: int) -> FramesIndexed:
    times = pack_i64([0] * len(seqs))
    return FramesIndexed(*WHO, ordinal, 100 + ordinal, [StreamIndex("/task", pack_i64(seqs), times, times, 0)])


def _ended(ordinal: int, last: int) -> StreamEnded:
    return StreamEnded(*WHO, "/task", "other", ordinal, last, last + 1, [])


def test_what_came_late_and_twice_is_told_once_in_the_robots_order() -> None:
    story = Story()
    for event in (_told(2, 1), STARTED, _told(1, 0), _told(2, 1)):
        story.tell(event)
    started, *index = story.beginning("take-r")
    assert started == replace(STARTED, episode="take-r", source={"file": "a.mcap", RECOVERED_FROM: "take"})
    assert [(e.episode, e.ordinal) for e in index] == [("take-r", 1), ("take-r", 2)]


def test_the_robots_own_word_stands_and_what_was_said_in_its_place_does_not() -> None:
    story = Story()
    early_end = replace(_ended(NOT_THE_ROBOT, 0), missing=[SeqRange(0, 1, "source")])
    events = (STARTED, _told(1, 0), early_end, EpisodeAborted(*WHO, NOT_THE_ROBOT, 101, "silent"), _told(2, 1))
    for event in (*events, _ended(3, 1), EpisodeStopped(*WHO, 4, 102, success=True)):
        story.tell(event)
    assert [*story.ends("take-r")] == [replace(_ended(3, 1), episode="take-r")]
    assert story.ending("take-r") == EpisodeStopped("site", "robot", "take-r", 4, 102, success=True)


def test_a_robot_that_never_came_back_ends_with_what_was_found() -> None:
    story = Story()
    for event in (STARTED, _told(1, 0, 3)):
        story.tell(event)
    story.found("/task", [4])
    (ended,) = story.ends("take-r")
    assert (ended.last_seq, ended.count, ended.missing) == (4, 3, [SeqRange(1, 2, "source")])
    ending = story.ending("take-r")
    assert isinstance(ending, EpisodeAborted)
    assert (ending.stopped_ns, ending.ordinal) == (101, 3)


def test_what_the_operator_threw_away_stays_away() -> None:
    story = Story()
    for event in (STARTED, EpisodeDiscarded(*WHO, 1, 101, "dropped a part")):
        story.tell(event)
    assert story.discarded
