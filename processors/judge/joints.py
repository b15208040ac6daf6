"""What is wrong with joint samples. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.movement import movement_measures
from processors.judge.series import StreamScores, longest_run
from saltwell.contracts.columns import Float64s, Int64s

_ALL, _HALF = 0.99, 0.49
_BEFORE_NS = 300_000_000

_WORST: tuple[tuple[str, str, str], ...] = (
    ("joint_jump", "jump_rad", "jump_joint"),
    ("beyond_limit", "beyond_limit", "beyond_limit_joint"),
    ("torque_limit", "saturated_ms", "saturated_joint"),
    ("torque_flat", "torque_flat_ms", "torque_flat_joint"),
)
"""Measures that are the worst value of a metric: code, metric, and the metric that names the joint."""


@dataclass(frozen=True, slots=True)
class Motion:
    """When the robot's joints moved, from the joint streams' speeds (times in site time)."""

    times_ns: Int64s
    speed: Float64s
    still_rad_s: float

    def moved(self, from_ns: int, to_ns: int) -> bool:
        """Whether some joint moved in the interval; True when there are no joints to tell."""
        inside = (self.times_ns >= from_ns) & (self.times_ns <= to_ns) & np.isfinite(self.speed)
        return not inside.any() or bool((self.speed[inside] >= self.still_rad_s).any())

    def by_clock(self, offset_ns: int) -> "Motion":
        """The same by the clock of a stream: `offset_ns` is what to add to its stamps for site time."""
        return replace(self, times_ns=self.times_ns - offset_ns)


def joint_measures(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Layout, jumps, spikes, held values and limits."""
    times, joints = scores.known("joints")
    changed = np.flatnonzero(np.diff(joints)) + 1
    _, mismatched = scores.known("mismatched")
    if joints.size:
        odd = float(np.nansum(mismatched)) + float(len(changed))
        at = times[changed[0]] if len(changed) else times[int(np.argmax(mismatched > 0))] if mismatched.size else 0
        yield Measured("layout", stream, "joints", odd, int(at), int(at))
    for code, name, joint in _WORST:
        yield from _worst(code, stream, scores, name, joint)
    yield from _spike(stream, scores, settings)
    yield from _held(stream, scores, settings)
    yield from movement_measures(stream, scores, settings)


def _worst(code: str, stream: str, scores: StreamScores, name: str, joint: str) -> Iterator[Measured]:
    times, values = scores.known(name)
    if values.size:
        at = int(values.argmax())
        which = _joint_at(scores, joint, name, at)
        yield Measured(code, stream, "joints", float(values[at]), int(times[at]), int(times[at]), joint=which)


def _joint_at(scores: StreamScores, joint: str, name: str, at: int) -> int:
    """Which joint a metric tells of the row where another one, `name`, is known the `at`-th time; -1 = it tells none.

    By row and not by time: a clock that was set back gives times twice, and out of order.
    """
    joints = scores.metric(joint)
    if not joints.size:
        return -1
    row = int(np.flatnonzero(np.isfinite(scores.metric(name)))[at])
    return int(joints[row]) if np.isfinite(joints[row]) else -1


def _spike(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """The largest torque spike, when it stands out from what the arm does all the time."""
    times, values = scores.known("torque_spike_nm")
    if not values.size:
        return
    at = int(values.argmax())
    usual_nm = float(np.percentile(values, 90))
    value = float(values[at]) if values[at] > settings["spike_times_usual"] * usual_nm else 0.0
    joint = _joint_at(scores, "torque_spike_joint", "torque_spike_nm", at)
    yield Measured("torque_spike", stream, "joints", value, int(times[at]), int(times[at]), joint=joint)


def _held(stream: str, scores: StreamScores, settings: Mapping[str, float]) -> Iterator[Measured]:
    """Values that stand still to the bit: all of them after the arm had moved, or the torques alone."""
    times, held = scores.known("held_share")
    speed_times, speed = scores.known("speed")
    if held.size:
        seconds, from_ns, to_ns = longest_run(times, held > _ALL)
        before = speed[(speed_times >= from_ns - _BEFORE_NS) & (speed_times <= from_ns)]
        moved = bool((before >= settings["still_rad_s"]).any()) or bool(scores.known("torque_peak_nm")[0].size)
        yield Measured("joints_frozen", stream, "joints", seconds if moved else 0.0, from_ns, to_ns)
    times, held = scores.known("torque_held_share")
    if held.size:
        yield Measured("torque_frozen", stream, "joints", *longest_run(times, held > _HALF))
