"""What a record must say to be used at all: columns that fit each other, numbers that a sensor can have. Pure.

Avro knows types, not sense: bytes of any length pass for a column, and 2^60 for a count. `Codec.decode` asks here, so
whoever reads a record may trust its columns and need not fear its numbers. What is beyond (is this a whole JPEG, does
the cloud fit its layout) stays with those who use it.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from saltwell.contracts.bounds import (
    MAX_FRAMES,
    MAX_ITEMS,
    WORD,
    UndecodableRecord,
    apart,
    can_name,
    columns,
    few,
    known_decision,
    known_kind,
    number,
    time,
    wide,
)
from saltwell.contracts.frames import (
    CloudFrame,
    ImageFrame,
    ImuBlock,
    JointBlock,
    MessageFrame,
    PoseBlock,
    SampledCloud,
)
from saltwell.contracts.identity import OfEpisode
from saltwell.contracts.results import (
    AlignmentBlock,
    AlignmentEnded,
    EpisodeFinished,
    Review,
    ScoreBlock,
    StreamLedger,
    StreamTiming,
    Verdict,
)
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.contracts.topics import SAMPLED_KINDS

RESERVED = "/saltwell/"
"""What the names of streams must not begin with: the archive's own streams do."""

SAMPLED_END = "/sampled"
"""Behind the name of a stream of clouds, the name of its sampled form in the archive."""

_FLOAT32 = 4
_LAST_MATCH_KIND = 3


def check(record: Any) -> None:
    """Raise UndecodableRecord when a record can't be meant so."""
    if isinstance(record, OfEpisode):
        for what in ("robot", "episode"):
            if not can_name(name := getattr(record, what)):
                raise UndecodableRecord(f"{ascii(name)[:60]} can't be the name of a {what}")
    if (look := _LOOKS.get(type(record))) is not None:
        look(record)


def _frame(record: ImageFrame | CloudFrame | MessageFrame) -> None:
    number("seq", record.seq, end=MAX_FRAMES)
    time("captured_ns", record.captured_ns)
    time("arrived_ns", record.arrived_ns)


def _sampled(record: SampledCloud) -> None:
    number("seq", record.seq, end=MAX_FRAMES)
    time("captured_ns", record.captured_ns)


def _joints(record: JointBlock) -> None:
    n = _samples(record)
    few("names", record.names)
    for what in ("position_rad", "velocity_rad_s", "torque_nm"):
        values = getattr(record, what)
        if len(values) % (WORD * n) or len(values) > WORD * n * MAX_ITEMS:
            raise UndecodableRecord(f"{what} has {len(values)} bytes for {n} samples")


def _poses(record: PoseBlock) -> None:
    wide(record, _samples(record), position_m=3, orientation_xyzw=4)


def _imu(record: ImuBlock) -> None:
    n = _samples(record)
    wide(record, n, orientation_xyzw=4, angular_velocity_rad_s=3, acceleration_m_s2=3, covariances=27)


def _samples(record: JointBlock | PoseBlock | ImuBlock) -> int:
    n = columns(seq=record.seq, captured_ns=record.captured_ns, arrived_ns=record.arrived_ns)
    if not n:
        raise UndecodableRecord("a block of no samples")
    return n


def _scores(record: ScoreBlock) -> None:
    known_kind(record.kind)
    n = columns(seq=record.seq, captured_ns=record.captured_ns)
    few("metrics", record.metrics)
    for metric in record.metrics:
        if len(metric.values) != WORD * n:
            raise UndecodableRecord(f"{metric.name} has {len(metric.values)} bytes for {n} frames")
    for frame in record.unreadable:
        number("seq", frame.seq, end=MAX_FRAMES)
        time("captured_ns", frame.captured_ns)
    for trace in record.motion:
        few("labels", trace.labels)
        samples = columns(captured_ns=trace.captured_ns)
        if len(trace.values) != _FLOAT32 * samples * len(trace.labels):
            raise UndecodableRecord(f"{len(trace.values)} bytes for {samples} samples of {len(trace.labels)} values")


def _started(record: EpisodeStarted) -> None:
    time("started_ns", record.started_ns)
    few("streams", record.streams)
    names = {stream.name for stream in record.streams}
    if len(names) < len(record.streams):
        raise UndecodableRecord("a stream is declared twice")
    ours = {stream.name + SAMPLED_END for stream in record.streams if stream.kind in SAMPLED_KINDS}
    for stream in record.streams:
        known_kind(stream.kind)
        if stream.name.startswith(RESERVED) or stream.name in ours:
            raise UndecodableRecord(f"a stream is called {ascii(stream.name)[:60]}, as Saltwell calls its own")


def _indexed(record: FramesIndexed) -> None:
    time("through_ns", record.through_ns)
    for index in record.streams:
        columns(seq=index.seq, captured_ns=index.captured_ns, arrived_ns=index.arrived_ns)
        for what in ("clock_offset_ns", "clock_residual_ns", "clock_jump_ns", "clock_jump_at_ns"):
            time(what, getattr(index, what))
        if not isfinite(index.clock_rate_ppm):
            raise UndecodableRecord(f"clock_rate_ppm is {index.clock_rate_ppm}")


def _ended(record: StreamEnded) -> None:
    known_kind(record.kind)
    number("last_seq", record.last_seq, begin=-1, end=MAX_FRAMES)
    number("count", record.count, end=MAX_FRAMES)
    apart(record.missing, within=record.last_seq + 1)


def _stopped(record: EpisodeStopped | EpisodeDiscarded | EpisodeAborted) -> None:
    time("stopped_ns", record.stopped_ns)


def _steps(record: AlignmentBlock) -> None:
    n = columns(t_ref_ns=record.t_ref_ns)
    number("first_step", record.first_step, end=MAX_FRAMES - n)
    few("streams", record.streams)
    for match in record.streams:
        numbers = {"seq_or_none": match.seq, "seq_next": match.seq_next}
        if columns(**numbers, skew_ns=match.skew_ns, span_ns=match.span_ns, since_ns=match.since_ns) != n:
            raise UndecodableRecord(f"{match.stream} has other than {n} matches")
        if len(match.kind) != n or max(match.kind, default=0) > _LAST_MATCH_KIND:
            raise UndecodableRecord(f"{match.stream} has kinds of match that there are not")


def _aligned(record: AlignmentEnded) -> None:
    number("steps", record.steps, end=MAX_FRAMES)
    time("started_ns", record.started_ns)
    time("stopped_ns", record.stopped_ns)
    if record.ending not in ("stopped", "aborted", "discarded"):
        raise UndecodableRecord(f"an episode can't end as {ascii(record.ending)[:60]}")
    for timing in record.streams:
        _timing(timing)


def _timing(timing: StreamTiming) -> None:
    known_kind(timing.kind)
    time("clock_offset_ns", timing.clock_offset_ns)


def _judged(record: Verdict) -> None:
    known_decision(record.decision)
    for ledger in record.streams:
        _ledger(ledger)


def _finished(record: EpisodeFinished) -> None:
    known_decision(record.decision)
    for ledger in record.streams:
        _ledger(ledger)


def _reviewed(record: Review) -> None:
    known_decision(record.decision)


def _ledger(ledger: StreamLedger) -> None:
    known_kind(ledger.kind)
    for what in ("sent", "written", "lost", "duplicates", "dead"):
        number(what, getattr(ledger, what), end=MAX_FRAMES + 1)
    apart(ledger.missing, within=ledger.sent)


_LOOKS: Mapping[type, Callable[[Any], None]] = {
    ImageFrame: _frame,
    CloudFrame: _frame,
    MessageFrame: _frame,
    JointBlock: _joints,
    PoseBlock: _poses,
    ImuBlock: _imu,
    SampledCloud: _sampled,
    ScoreBlock: _scores,
    EpisodeStarted: _started,
    FramesIndexed: _indexed,
    StreamEnded: _ended,
    EpisodeStopped: _stopped,
    EpisodeDiscarded: _stopped,
    EpisodeAborted: _stopped,
    AlignmentBlock: _steps,
    AlignmentEnded: _aligned,
    Verdict: _judged,
    EpisodeFinished: _finished,
    Review: _reviewed,
}
