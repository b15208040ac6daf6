"""Names the samples of one episode and sends them: frames to their topics, their story to the timeline.

Time here is the time of arrival, never the time of day, so that a replay tells the same story at any speed.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from producers.blocks import BlockBuilder, Identity, Named, block_record
from producers.clock import Calibration, ClockReading, SensorClock
from producers.names import usable_beginning
from producers.numbering import FrameNumbers
from producers.sample import CloudSample, ImageSample, ImuSample, JointSample, MessageSample, PoseSample, Sample
from saltwell.contracts.columns import Float64s, pack_i64
from saltwell.contracts.frames import CloudFrame, ImageFrame, MessageFrame
from saltwell.contracts.timeline import (
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
from saltwell.contracts.topics import MAX_RECORD_BYTES, frame_topic
from saltwell.ledger import ranges
from saltwell.metrics import SOURCE_DROPS, UNDELIVERED

INDEX_EVERY_NS = 100_000_000

_BLOCKED = (JointSample, PoseSample, ImuSample)


class Outbox(Protocol):
    """Where records go. `failed` calls back when the broker did not take one."""

    def send(self, topic: str, record: Any, *, on_lost: "Lost | None" = None) -> int:
        """Queue a record; gives its size in bytes, without sending it when it is over the limit."""

    def flush(self) -> None:
        """Wait until everything queued was taken or given up."""


@runtime_checkable
class KeepsAccount(Protocol):
    """An outbox that can end an episode by itself, and so has to know of frames that it is never given."""

    def lose(self, identity: Identity, stream: str, seq: int, cause: str) -> None:
        """A frame has a number and will not be sent."""


class Lost(Protocol):
    """What to do when a record was not taken."""

    def __call__(self, cause: str) -> None:
        """The record is lost."""


@dataclass(slots=True)
class _Stream:
    declared: StreamDeclared
    clock: SensorClock
    numbers: FrameNumbers = field(default_factory=FrameNumbers)
    block: BlockBuilder = field(default_factory=BlockBuilder)
    indexed: list[tuple[int, int, int]] = field(default_factory=list)
    before_jump: list[StreamIndex] = field(default_factory=list)
    published: set[int] = field(default_factory=set)
    lost: dict[int, str] = field(default_factory=dict)


class EpisodePublisher:
    """Publishes one episode of one robot."""

    def __init__(
        self, outbox: Outbox, *, site: str, robot: str, episode: str, calibration: Calibration | None = None
    ) -> None:
        self._outbox = outbox
        self._calibration = calibration or {}
        self._identity = (site, robot, episode)
        self._streams: dict[str, _Stream] = {}
        self._ordinal = 0
        self._indexed_ns = 0

    def start(
        self,
        streams: Sequence[StreamDeclared],
        *,
        started_ns: int,
        task: str,
        source: Mapping[str, str],
    ) -> None:
        """Begin the episode. Raises StopError, with nothing sent, for names that no reader would take."""
        started = EpisodeStarted(*self._identity, self._ordinal, started_ns, task, "", streams, source)
        usable_beginning(started)
        self._ordinal += 1
        self._streams = {s.name: _Stream(s, SensorClock(self._calibration.get(s.name))) for s in streams}
        self._indexed_ns = started_ns
        self._tell(started)
        self._outbox.flush()  # no frame is in the log before its beginning is

    def publish(self, sample: Sample) -> None:
        """Name a sample and send it; samples come in order of arrival."""
        self.advance(sample.arrived_ns)
        stream = self._streams[sample.stream]
        seq, copy = stream.numbers.number(sample.captured_ns, sample.arrived_ns, _digest(sample))
        stream.published.add(seq)
        if not copy:
            self._note(stream, seq, sample)
        if isinstance(sample, _BLOCKED):
            self._send_block(stream, stream.block.add(seq, sample))
        else:
            self._send(stream, [seq], _frame(self._identity, seq, sample))

    def malformed(self, stream_name: str, arrived_ns: int) -> None:
        """Account for a message of the source that could not be read."""
        self.advance(arrived_ns)
        stream = self._streams[stream_name]
        seq, cause = stream.numbers.skip(), "malformed"
        stream.lost[seq] = cause
        if isinstance(self._outbox, KeepsAccount):
            self._outbox.lose(self._identity, stream_name, seq, cause)

    def advance(self, now_ns: int) -> None:
        """Let time pass: the timeline tells of what arrived, and that the robot lives."""
        while now_ns >= self._indexed_ns + INDEX_EVERY_NS:
            self._indexed_ns += INDEX_EVERY_NS
            self._index(self._indexed_ns)

    def stop(self, *, stopped_ns: int, success: bool | None = None) -> dict[str, StreamEnded]:
        """End the episode: everything is in the log before the log says so. Gives how each stream ended."""
        ended = self._end_streams(stopped_ns)
        self._end_episode(EpisodeStopped(*self._identity, self._take_ordinal(), stopped_ns, success))
        return ended

    def abort(self, *, stopped_ns: int, reason: str) -> dict[str, StreamEnded]:
        """End the episode before its time; what there is of it is kept, and judged with the reason."""
        ended = self._end_streams(stopped_ns)
        self._end_episode(EpisodeAborted(*self._identity, self._take_ordinal(), stopped_ns, reason))
        return ended

    def discard(self, *, stopped_ns: int, reason: str) -> None:
        """End the episode; nothing of it is kept."""
        self._end_streams(stopped_ns)
        self._end_episode(EpisodeDiscarded(*self._identity, self._take_ordinal(), stopped_ns, reason))

    def _end_streams(self, stopped_ns: int) -> dict[str, StreamEnded]:
        self.advance(stopped_ns)
        for stream in self._streams.values():
            self._send_block(stream, stream.block.take())
        self._index(stopped_ns)
        self._outbox.flush()
        ended = {name: self._end(stream) for name, stream in self._streams.items()}
        self._outbox.flush()
        return ended

    def _end_episode(self, event: EpisodeStopped | EpisodeAborted | EpisodeDiscarded) -> None:
        self._tell(event)
        self._outbox.flush()

    def _note(self, stream: _Stream, seq: int, sample: Sample) -> None:
        """Keep a frame for the timeline; where its clock was set, what came before is told by the clock as it was."""
        set_anew = stream.clock.add(sample.captured_ns, sample.arrived_ns)
        stream.indexed.append((seq, sample.captured_ns, sample.arrived_ns))
        if set_anew:
            before = stream.indexed[:-set_anew]
            if before and stream.clock.before_jump:
                stream.before_jump.append(_stream_index(stream, before, stream.clock.before_jump))
            stream.indexed = stream.indexed[-set_anew:]

    def _end(self, stream: _Stream) -> StreamEnded:
        name, kind = stream.declared.name, stream.declared.kind
        holes = stream.numbers.holes()
        SOURCE_DROPS.labels(name).inc(len(holes))
        ended = StreamEnded(
            *self._identity,
            stream=name,
            kind=kind,
            ordinal=self._take_ordinal(),
            last_seq=stream.numbers.last,
            count=len(stream.published - stream.lost.keys()),
            missing=_missing(holes, stream.lost),
        )
        self._outbox.send(frame_topic(kind), ended)
        self._tell(ended)
        return ended

    def _index(self, through_ns: int) -> None:
        blocks = []
        for stream in self._streams.values():
            blocks += stream.before_jump
            if stream.indexed:
                blocks.append(_stream_index(stream, stream.indexed, stream.clock.reading()))
            stream.before_jump, stream.indexed = [], []
        self._tell(FramesIndexed(*self._identity, self._take_ordinal(), through_ns, blocks))

    def _send_block(self, stream: _Stream, named: list[Named]) -> None:
        if named:
            self._send(stream, [seq for seq, _ in named], block_record(self._identity, named))

    def _send(self, stream: _Stream, seqs: list[int], record: Any) -> None:
        def lost(cause: str) -> None:
            UNDELIVERED.labels(stream.declared.name).inc(len(seqs))
            stream.lost.update(dict.fromkeys(seqs, cause))

        if self._outbox.send(frame_topic(stream.declared.kind), record, on_lost=lost) > MAX_RECORD_BYTES:
            lost("too_large")

    def _tell(self, event: Any) -> None:
        self._outbox.send("timeline", event)

    def _take_ordinal(self) -> int:
        self._ordinal += 1
        return self._ordinal - 1


def _stream_index(stream: _Stream, frames: Iterable[tuple[int, int, int]], clock: ClockReading) -> StreamIndex:
    seqs, captured, arrived = zip(*frames, strict=True)
    columns = (pack_i64(seqs), pack_i64(captured), pack_i64(arrived))
    return StreamIndex(stream.declared.name, *columns, **clock.as_index())


def _missing(holes: Iterable[int], lost: Mapping[int, str]) -> list[SeqRange]:
    found = [*ranges(set(holes) - lost.keys(), "source")]
    for cause in sorted(set(lost.values())):
        found += ranges([seq for seq, why in lost.items() if why == cause], cause)
    return sorted(found, key=lambda r: r.first)


def _digest(sample: Sample) -> int:
    """Tells copies of a sample from others with the same stamp."""
    match sample:
        case ImageSample() | CloudSample() | MessageSample():
            return zlib.crc32(sample.payload)
        case JointSample():
            return _crc(sample.position_rad, sample.velocity_rad_s, sample.torque_nm)
        case PoseSample():
            return _crc(sample.position_m, sample.orientation_xyzw)
        case ImuSample():
            return _crc(sample.angular_velocity_rad_s, sample.acceleration_m_s2)
        case _:
            return 0


def _crc(*columns: Float64s) -> int:
    crc = 0
    for column in columns:
        crc = zlib.crc32(column.tobytes(), crc)
    return crc


def _frame(identity: tuple[str, str, str], seq: int, sample: Sample) -> ImageFrame | CloudFrame | MessageFrame:
    head = (*identity, sample.stream, seq, sample.captured_ns, sample.arrived_ns)
    match sample:
        case ImageSample():
            return ImageFrame(
                *head,
                frame_id=sample.frame_id,
                compressed=sample.compressed,
                encoding=sample.encoding,
                height=sample.height,
                width=sample.width,
                step=sample.step,
                big_endian=sample.big_endian,
                payload=sample.payload,
            )
        case CloudSample():
            return CloudFrame(
                *head,
                frame_id=sample.frame_id,
                height=sample.height,
                width=sample.width,
                fields=sample.fields,
                big_endian=sample.big_endian,
                point_step=sample.point_step,
                row_step=sample.row_step,
                dense=sample.dense,
                payload=sample.payload,
                padding=sample.padding,
            )
        case MessageSample():
            return MessageFrame(*head, message_type=sample.message_type, payload=sample.payload)
        case _:
            raise TypeError(f"{type(sample).__name__} travels in blocks")
