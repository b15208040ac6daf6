from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.publisher import INDEX_EVERY_NS, EpisodePublisher
from producers.sample import ImageSample, JointSample
from saltwell.contracts.codec import Codec
from saltwell.contracts.columns import i64
from saltwell.contracts.frames import ImageFrame, JointBlock
from saltwell.contracts.timeline import (
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    SeqRange,
    StreamDeclared,
    StreamEnded,
)
from saltwell.contracts.topics import MAX_RECORD_BYTES
from saltwell.errors import StopError

T0_NS = 1_767_225_600_000_000_000
PERIOD_NS = 33_333_333
COLOR, JOINTS = "/head/color", "/joint_states"
STREAMS = [
    StreamDeclared(COLOR, "color", 30.0, "nearest", "CompressedImage", "cdr", "ros2msg", "", {}),
    StreamDeclared(JOINTS, "joints", 100.0, "linear", "JointState", "cdr", "ros2msg", "", {}),
]


class Collected:
    """An outbox that keeps everything, except the frames it is told to lose."""

    def __init__(self, lose: frozenset[int] = frozenset()) -> None:
        self.sent: list[tuple[str, Any]] = []
        self._lose = lose
        self._lost: list[Any] = []

    def send(self, topic: str, record: Any, *, on_lost: Any = None) -> int:
        size = len(Codec().encode(record))
        if size > MAX_RECORD_BYTES:
            return size
        if on_lost is not None and self._lose & _seqs(record):
            self._lost.append(on_lost)
        else:
            self.sent.append((topic, record))
        return size

    def flush(self) -> None:
        """Only now does the broker say what it did not take."""
        while self._lost:
            self._lost.pop()("undelivered")

    def of(self, topic: str) -> list[Any]:
        return [record for name, record in self.sent if name == topic]


def _seqs(record: Any) -> set[int]:
    return {record.seq} if isinstance(record, ImageFrame) else set(i64(record.seq).tolist())


def image(frame: int, *, size: int = 8) -> ImageSample:
    captured_ns = T0_NS + frame * PERIOD_NS
    payload = frame.to_bytes(8, "big").ljust(size, b"\0")
    return ImageSample(COLOR, captured_ns, captured_ns + 30_000_000, "", True, "jpeg", 0, 0, 0, False, payload)


def joints(frame: int) -> JointSample:
    captured_ns = T0_NS + frame * 10_000_000
    values = np.array([float(frame)])
    return JointSample(JOINTS, captured_ns, captured_ns + 3_000_000, "", ("a",), values, values, values)


def published(samples, outbox: Collected, *, malformed_at: int = -1) -> dict[str, StreamEnded]:
    publisher = EpisodePublisher(outbox, site="site", robot="robot", episode="episode")
    publisher.start(STREAMS, started_ns=T0_NS, task="sort", source={"recording": "a.mcap"})
    last_ns = T0_NS
    for i, sample in enumerate(sorted(samples, key=lambda s: s.arrived_ns)):
        if i == malformed_at:
            publisher.malformed(sample.stream, sample.arrived_ns)
        else:
            publisher.publish(sample)
        last_ns = sample.arrived_ns
    return publisher.stop(stopped_ns=last_ns)


def test_the_story_begins_and_ends_and_its_ordinals_have_no_gap() -> None:
    outbox = Collected()
    published([image(i) for i in range(10)], outbox)
    story = outbox.of("timeline")
    assert isinstance(story[0], EpisodeStarted)
    assert isinstance(story[-1], EpisodeStopped)
    assert [event.ordinal for event in story] == list(range(len(story)))


def test_a_stream_ends_behind_its_last_frame_and_before_the_episode_stops() -> None:
    outbox = Collected()
    published([*(image(i) for i in range(10)), *(joints(i) for i in range(25))], outbox)
    for topic in ("frames.color", "frames.joints"):
        *frames, ended = outbox.of(topic)
        assert isinstance(ended, StreamEnded)
        assert not any(isinstance(frame, StreamEnded) for frame in frames)
    assert isinstance(outbox.sent[-1][1], EpisodeStopped)


def test_the_timeline_beats_every_100_ms_also_while_nothing_arrives() -> None:
    outbox = Collected()
    publisher = EpisodePublisher(outbox, site="site", robot="robot", episode="episode")
    publisher.start(STREAMS, started_ns=T0_NS, task="", source={})
    publisher.advance(T0_NS + 10 * INDEX_EVERY_NS)
    beats = [event for event in outbox.of("timeline") if isinstance(event, FramesIndexed)]
    assert [beat.through_ns - T0_NS for beat in beats] == [i * 100_000_000 for i in range(1, 11)]
    assert all(not beat.streams for beat in beats)


def test_every_frame_is_indexed_once_before_its_beat() -> None:
    outbox = Collected()
    published([*(image(i) for i in range(20)), *(joints(i) for i in range(60))], outbox)
    found: dict[str, list[int]] = {COLOR: [], JOINTS: []}
    for beat in outbox.of("timeline"):
        for index in beat.streams if isinstance(beat, FramesIndexed) else ():
            found[index.stream] += i64(index.seq).tolist()
            assert max(i64(index.arrived_ns)) <= beat.through_ns
    assert found == {COLOR: list(range(20)), JOINTS: list(range(60))}


def test_a_malformed_message_is_listed_and_uses_up_a_number() -> None:
    outbox = Collected()
    ended = published([image(i) for i in range(10)], outbox, malformed_at=4)[COLOR]
    assert ended.missing == [SeqRange(4, 1, "malformed")]
    assert (ended.last_seq, ended.count) == (9, 9)


def test_a_record_the_broker_did_not_take_is_listed() -> None:
    outbox = Collected(lose=frozenset({3, 4}))
    ended = published([image(i) for i in range(10)], outbox)[COLOR]
    assert ended.missing == [SeqRange(3, 2, "undelivered")]
    assert ended.count == 8


def test_a_lost_block_is_every_sample_in_it() -> None:
    outbox = Collected(lose=frozenset({5}))
    ended = published([joints(i) for i in range(20)], outbox)[JOINTS]
    kept = {seq for r in outbox.of("frames.joints") if isinstance(r, JointBlock) for seq in _seqs(r)}
    lost = {seq for r in ended.missing for seq in range(r.first, r.first + r.count)}
    assert 5 in lost
    assert kept | lost == set(range(20))
    assert not kept & lost


def test_a_frame_that_is_too_large_is_listed_and_not_sent() -> None:
    outbox = Collected()
    samples = [image(i, size=MAX_RECORD_BYTES if i == 2 else 8) for i in range(5)]
    ended = published(samples, outbox)[COLOR]
    assert ended.missing == [SeqRange(2, 1, "too_large")]
    assert [frame.seq for frame in outbox.of("frames.color")[:-1]] == [0, 1, 3, 4]


def test_a_frame_lost_at_the_source_is_listed() -> None:
    ended = published([image(i) for i in range(40) if i not in {20, 21, 30}], Collected())[COLOR]
    assert ended.missing == [SeqRange(20, 2, "source"), SeqRange(30, 1, "source")]
    assert ended.count == 37


def test_copies_travel_with_the_first_ones_number_and_are_indexed_once() -> None:
    outbox = Collected()
    ended = published([*(image(i) for i in range(5)), image(2)], outbox)[COLOR]
    assert sorted(frame.seq for frame in outbox.of("frames.color")[:-1]) == [0, 1, 2, 2, 3, 4]
    assert (ended.count, ended.missing) == (5, [])


@settings(max_examples=40, deadline=None)
@given(
    source=st.sets(st.integers(15, 38)),
    broker=st.frozensets(st.integers(0, 39)),
    malformed_at=st.integers(-1, 14),
)
def test_every_number_is_in_the_log_or_listed_whatever_is_lost(source, broker, malformed_at: int) -> None:
    outbox = Collected(lose=broker)
    frames = [image(i) for i in range(40) if i not in source]
    ended = published(frames, outbox, malformed_at=malformed_at)[COLOR]
    kept = {frame.seq for frame in outbox.of("frames.color")[:-1]}
    listed = [seq for r in ended.missing for seq in range(r.first, r.first + r.count)]
    assert len(listed) == len(set(listed))
    assert kept | set(listed) == set(range(ended.last_seq + 1))
    assert not kept & set(listed)
    assert ended.count == len(kept)


def test_an_unknown_stream_is_a_mistake_of_the_caller() -> None:
    publisher = EpisodePublisher(Collected(), site="site", robot="robot", episode="episode")
    publisher.start([], started_ns=T0_NS, task="", source={})
    with pytest.raises(KeyError):
        publisher.publish(image(0))


@pytest.mark.parametrize(
    ("robot", "episode", "stream", "said"),
    [
        ("", "take", COLOR, "robot ''"),
        ("robot", "t" * 201, COLOR, "episode 't"),
        ("\udcff", "take", COLOR, "robot '.udcff'"),
        ("机" * 30, "take", COLOR, "1 to 200 bytes, counted as in a URL"),
        ("robot", "take", "", "stream ''"),
        ("robot", "take", "/" * 70, "stream '/"),
        ("robot", "take", "/saltwell/scores", "as Saltwell calls its own"),
    ],
)
def test_a_name_that_no_reader_would_take_is_refused_before_anything_is_sent(robot, episode, stream, said) -> None:
    outbox = Collected()
    publisher = EpisodePublisher(outbox, site="site", robot=robot, episode=episode)
    streams = [StreamDeclared(stream, "color", 30.0, "nearest", "CompressedImage", "cdr", "ros2msg", "", {})]
    with pytest.raises(StopError, match=said) as refused:
        publisher.start(streams, started_ns=T0_NS, task="sort", source={})
    assert "\n" not in str(refused.value)
    assert not outbox.sent
