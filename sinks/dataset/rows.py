"""The rows of an episode: one a step, from the alignment. Pure but for reading the archive."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s
from saltwell.errors import SkipRecordError
from saltwell.messages.motion import JointState, PoseStamped
from sinks.dataset.features import Column, plain
from sinks.dataset.interpolate import Samples, at_steps, unit_quaternions, windows
from sinks.dataset.recorded import Recorded, RecordedFrame
from sinks.episodes.annotations import MATCH_KINDS

FIXED_FPS = 30

MAX_WINDOW = 1_000
"""Most samples of torque that stand beside a row."""

_KINDS = {kind: number for number, kind in enumerate(MATCH_KINDS)}


class NoRows(SkipRecordError):
    """An episode that gives no rows."""


def frames_per_second(recorded: Recorded) -> int:
    """Rate of the rows: that of the anchor camera, as a whole number; 30 where steps have a fixed rate."""
    anchor = recorded.manifest.anchor
    timing = recorded.manifest.streams[anchor].timing if anchor else None
    return max(1, round(1e9 / timing.period_ns)) if timing is not None and timing.period_ns > 0 else FIXED_FPS


def rows_of(recorded: Recorded) -> dict[str, Column]:
    """All columns of an episode but those that number it within a dataset.

    A value that is missing at a step is that of the nearest step that has one; `observation.kind.*` says so. Raises
    NoRows when there are no steps.
    """
    if not recorded.steps:
        raise NoRows(f"episode {recorded.manifest.episode} has no steps")
    fps = frames_per_second(recorded)
    t_ref_ns = np.array([step.t_ref_ns for step in recorded.steps], dtype=np.int64)
    numbers = np.arange(len(t_ref_ns))
    columns = {
        "timestamp": Column((numbers / fps).astype(np.float32)),
        "frame_index": Column(numbers),
        "observation.t_ref_ns": Column(t_ref_ns),
    }
    columns |= _joint_columns(recorded, recorded.states(), t_ref_ns, fps)
    if commands := recorded.commands():
        columns["action"] = _positions(recorded, commands, t_ref_ns)
    for stream in recorded.of_kind("pose"):
        columns[f"observation.pose.{plain(stream)}"] = _pose(recorded, stream, t_ref_ns)
    for stream in sorted(recorded.manifest.streams):
        columns |= _timing_columns(recorded, stream, t_ref_ns)
    return columns


def time_error_ns(t_ref_ns: Int64s, fps: int) -> int:
    """How far row k is from k/fps at most: a camera that lost a frame, or does not keep its rate."""
    ideal = np.arange(len(t_ref_ns)) * (1e9 / fps)
    return int(np.abs((t_ref_ns - t_ref_ns[0]) - ideal).max())


def _joint_columns(recorded: Recorded, streams: Sequence[str], t_ref_ns: Int64s, fps: int) -> dict[str, Column]:
    if not streams:
        return {}
    columns = {"observation.state": _positions(recorded, streams, t_ref_ns)}
    for feature, read in (("velocity", _velocity), ("torque", _torque)):
        found = [(stream, *_samples(recorded, stream, read)) for stream in streams]
        found = [(stream, samples, names) for stream, samples, names in found if samples.values.size]
        if not found:
            continue
        values = [_filled(at_steps(samples, recorded.matches(stream), t_ref_ns)) for stream, samples, _ in found]
        names = [name for *_, of_stream in found for name in of_stream]
        columns[f"observation.{feature}"] = Column(np.concatenate(values, axis=1).astype(np.float32), names)
        if feature == "torque":
            columns |= dict(_torque_windows(found, t_ref_ns, fps))
    return columns


def _torque_windows(
    found: Sequence[tuple[str, Samples, Sequence[str]]], t_ref_ns: Int64s, fps: int
) -> Iterator[tuple[str, Column]]:
    """Torque at the sensor's own rate, over the time since the last row: what interpolation can't show."""
    for stream, samples, names in found:
        if len(samples.times_ns) > 1:
            rate_hz = 1e9 / max(float(np.median(np.diff(samples.times_ns))), 1.0)
            length = min(math.ceil(rate_hz / fps), MAX_WINDOW)
            if length > 1:
                values = _filled(windows(samples, t_ref_ns, length=length))
                yield f"observation.torque_window.{plain(stream)}", Column(values.astype(np.float32), names)


def _positions(recorded: Recorded, streams: Sequence[str], t_ref_ns: Int64s) -> Column:
    values: list[Float64s] = []
    names: list[str] = []
    for stream in streams:
        samples, of_stream = _samples(recorded, stream, _position)
        values.append(_filled(at_steps(samples, recorded.matches(stream), t_ref_ns)))
        names += of_stream if len(streams) == 1 else [f"{plain(stream)}.{name}" for name in of_stream]
    return Column(np.concatenate(values, axis=1).astype(np.float32), names)


def _pose(recorded: Recorded, stream: str, t_ref_ns: Int64s) -> Column:
    frames = _in_order(recorded, stream)
    poses = [PoseStamped.decode(frame.data) for frame in frames]
    turns = unit_quaternions(np.array([pose.orientation for pose in poses]))
    values = np.hstack([np.array([pose.position for pose in poses]), turns])
    found = _filled(at_steps(_timed(recorded, stream, frames, values), recorded.matches(stream), t_ref_ns))
    found[:, 3:] /= np.maximum(np.linalg.norm(found[:, 3:], axis=1, keepdims=True), 1e-12)
    return Column(found.astype(np.float32), ("x", "y", "z", "qx", "qy", "qz", "qw"))


def _timing_columns(recorded: Recorded, stream: str, t_ref_ns: Int64s) -> dict[str, Column]:
    """How each row's frame of this stream stands to the row."""
    matches = recorded.matches(stream)
    if len(matches) != len(t_ref_ns):
        return {}
    name = plain(stream)
    skew_ns = np.array([match.skew_ns for match in matches], dtype=np.int64)
    columns = {
        f"observation.skew_ns.{name}": Column(skew_ns),
        f"observation.kind.{name}": Column(np.array([_KINDS[match.kind] for match in matches], dtype=np.int64)),
    }
    if recorded.manifest.streams[stream].kind in {"color", "depth", "cloud"}:
        columns[f"observation.capture_ns.{name}"] = Column(t_ref_ns + skew_ns)
    return columns


def _samples(
    recorded: Recorded, stream: str, read: Callable[[JointState], Float64s]
) -> tuple[Samples, tuple[str, ...]]:
    """One quantity of a joint stream. Samples of another width than the first are left out: they name other joints."""
    frames = _in_order(recorded, stream)
    states = [JointState.decode(frame.data) for frame in frames]
    width = len(read(states[0])) if states else 0
    kept = [i for i, state in enumerate(states) if len(read(state)) == width and state.names == states[0].names]
    values = np.array([read(states[i]) for i in kept]).reshape(len(kept), width)
    names = states[0].names if states else ()
    return _timed(recorded, stream, [frames[i] for i in kept], values), names


def _in_order(recorded: Recorded, stream: str) -> list[RecordedFrame]:
    return sorted(recorded.frames(stream), key=lambda frame: frame.seq)


def _timed(recorded: Recorded, stream: str, frames: Sequence[RecordedFrame], values: Float64s) -> Samples:
    offset_ns = recorded.clock_offsets_ns().get(stream, 0)
    seqs = np.array([frame.seq for frame in frames], dtype=np.int64)
    return Samples(seqs, np.array([frame.captured_ns for frame in frames], dtype=np.int64) + offset_ns, values)


def _filled(values: Float64s) -> Float64s:
    """NaN gets the value of the nearest row that has one there; what no row has becomes 0, be it one joint of many."""
    filled = values.reshape(len(values), -1).copy()
    for column in np.flatnonzero(np.isnan(filled).any(axis=0)):
        filled[:, column] = _filled_column(filled[:, column])
    return filled.reshape(values.shape)


def _filled_column(values: Float64s) -> Float64s:
    there = np.flatnonzero(~np.isnan(values))
    if not there.size:
        return np.zeros_like(values)
    rows = np.arange(len(values))
    after = np.clip(np.searchsorted(there, rows), 0, len(there) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(there[before] - rows) <= np.abs(there[after] - rows), before, after)
    return values[there[nearer]]


def _position(state: JointState) -> Float64s:
    return state.position


def _velocity(state: JointState) -> Float64s:
    return state.velocity


def _torque(state: JointState) -> Float64s:
    return state.effort
