"""The rows of an episode: one a step, from the alignment. Pure but for reading the archive."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s
from saltwell.errors import SkipRecordError
from saltwell.messages.motion import JointState, PoseStamped
from sinks.dataset.features import Column, plain
from sinks.dataset.interpolate import Samples, at_steps, nearest_known, unit_quaternions, windows
from sinks.dataset.recorded import Recorded, RecordedFrame
from sinks.episodes.annotations import MATCH_KINDS, StepMatch

FIXED_FPS = 30

MAX_WINDOW = 1_000
"""Most samples of torque that stand beside a row."""

_KINDS = {kind: number for number, kind in enumerate(MATCH_KINDS)}


_QUANTITIES = ("position", "velocity", "effort")
"""What a JointState says of each joint: rad, rad/s, Nm."""


class NoRows(SkipRecordError):
    """An episode that gives no rows."""


@dataclass(frozen=True, slots=True)
class _Joints:
    """A joint stream: its samples by quantity, and how it is matched at each step."""

    stream: str
    names: Sequence[str]
    matches: Sequence[StepMatch]
    samples: Mapping[str, Samples]


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
    columns |= dict(_joint_columns([_joints(recorded, stream) for stream in recorded.states()], fps))
    if commands := [_joints(recorded, stream) for stream in recorded.commands()]:
        columns["action"] = _side_by_side(commands, "position")
    for stream in recorded.of_kind("pose"):
        columns[f"observation.pose.{plain(stream)}"] = _pose(recorded, stream)
    for stream in sorted(recorded.manifest.streams):
        columns |= _timing_columns(recorded, stream, t_ref_ns)
    return columns


def time_error_ns(t_ref_ns: Int64s, fps: int) -> int:
    """How far row k is from k/fps at most: a camera that lost a frame, or does not keep its rate."""
    ideal = np.arange(len(t_ref_ns)) * (1e9 / fps)
    return int(np.abs((t_ref_ns - t_ref_ns[0]) - ideal).max())


def _joint_columns(streams: Sequence[_Joints], fps: int) -> Iterator[tuple[str, Column]]:
    if not streams:
        return
    yield "observation.state", _side_by_side(streams, "position")
    for feature, quantity in (("velocity", "velocity"), ("torque", "effort")):
        given = [joints for joints in streams if joints.samples[quantity].values.size]
        if given:
            yield f"observation.{feature}", _side_by_side(given, quantity)
    for joints in streams:
        yield from _torque_window(joints, fps)


def _torque_window(joints: _Joints, fps: int) -> Iterator[tuple[str, Column]]:
    """Torque at the sensor's own rate, over the time since the last row: what interpolation can't show."""
    samples = joints.samples["effort"]
    if not samples.values.size or len(samples.times_ns) < 2:  # noqa: PLR2004 - a rate takes two samples
        return
    rate_hz = 1e9 / max(float(np.median(np.diff(samples.times_ns))), 1.0)
    length = min(math.ceil(rate_hz / fps), MAX_WINDOW)
    if length > 1:
        values = _filled(windows(samples, joints.matches, length=length))
        yield f"observation.torque_window.{plain(joints.stream)}", Column(values.astype(np.float32), joints.names)


def _side_by_side(streams: Sequence[_Joints], quantity: str) -> Column:
    """One quantity of all joints of some streams; names say the stream where there are several."""
    values = [_filled(at_steps(joints.samples[quantity], joints.matches)) for joints in streams]
    names = [
        name if len(streams) == 1 else f"{plain(joints.stream)}.{name}" for joints in streams for name in joints.names
    ]
    return Column(np.concatenate(values, axis=1).astype(np.float32), names)


def _pose(recorded: Recorded, stream: str) -> Column:
    frames = _in_order(recorded, stream)
    poses = [PoseStamped.decode(frame.data) for frame in frames]
    turns = unit_quaternions(np.array([pose.orientation for pose in poses]))
    values = np.hstack([np.array([pose.position for pose in poses]), turns])
    found = _filled(at_steps(_samples(frames, values), recorded.matches(stream)))
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


def _joints(recorded: Recorded, stream: str) -> _Joints:
    """A joint stream, read once. Samples with other joints or quantities than most of them are left out."""
    frames = _in_order(recorded, stream)
    states = [JointState.decode(frame.data) for frame in frames]
    layouts = Counter(map(_layout, states))
    kept = [i for i, state in enumerate(states) if _layout(state) == layouts.most_common(1)[0][0]]
    samples = {}
    for quantity in _QUANTITIES:
        values = np.array([getattr(states[i], quantity) for i in kept]).reshape(len(kept), -1 if kept else 0)
        samples[quantity] = _samples([frames[i] for i in kept], values)
    return _Joints(stream, states[kept[0]].names if kept else (), recorded.matches(stream), samples)


def _layout(state: JointState) -> tuple[object, ...]:
    return (state.names, *(len(getattr(state, quantity)) for quantity in _QUANTITIES))


def _in_order(recorded: Recorded, stream: str) -> list[RecordedFrame]:
    return sorted(recorded.frames(stream), key=lambda frame: frame.seq)


def _samples(frames: Sequence[RecordedFrame], values: Float64s) -> Samples:
    seqs = np.array([frame.seq for frame in frames], dtype=np.int64)
    return Samples(seqs, np.array([frame.captured_ns for frame in frames], dtype=np.int64), values)


def _filled(values: Float64s) -> Float64s:
    """NaN gets the value of the nearest row that has one there; what no row has becomes 0, be it one joint of many."""
    filled = values.reshape(len(values), -1).copy()
    for column in np.flatnonzero(np.isnan(filled).any(axis=0)):
        filled[:, column] = _filled_column(filled[:, column])
    return filled.reshape(values.shape)


def _filled_column(values: Float64s) -> Float64s:
    known = ~np.isnan(values)
    return values[nearest_known(known)] if known.any() else np.zeros_like(values)
