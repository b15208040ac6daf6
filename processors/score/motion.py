"""Numbers about a block of joint samples.

Blocks are short (10-50 ms), so the scorer remembers the last rows of the blocks before.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from processors.score import taps
from saltwell.contracts.columns import Float64s, Int64s
from saltwell.errors import SkipRecordError

METRICS: tuple[str, ...] = (
    "speed",
    "torque_peak_nm",
    "torque_peak_joint",
    "torque_spike_nm",
    "torque_spike_joint",
    "jump_rad",
    "jump_joint",
    "nan_count",
    "still_share",
    "path_rad",
)

STILL_RAD_S = 0.02
"""Slower than this is standing still."""

TAP_NS = 10_000_000
"""Time between the torques of a median, and over which positions tell a speed. 7 taps of 10 ms outvote a spike of
up to 30 ms. (A median of 5 neighbours misses 3 wrong messages at 100 Hz: they are its majority.)"""

_EXPLAINED = 3.0
"""A step of position up to this many times as fast as the median of the steps around it is explained."""

_MAX_SPACING = 100
_ROWS_THAT_TELL_THE_RATE = 8
_LEAST_BASELINE_NS = TAP_NS // 4


class UnusableBlockError(SkipRecordError):
    """A block whose columns don't fit together."""


class MotionScore(NamedTuple):
    """Metrics of one block of joint samples; NaN = not measured. Joints count from 0 in the block's order.

    `speed`: the fastest joint's speed, rad/s (m/s for a sliding joint): the given velocity, or the change of
    position over 10 ms (over one sample below 100 Hz) where that is more, since some drivers leave velocity at 0.
    `torque_peak_nm`, `torque_peak_joint`: largest absolute torque, Nm, and the joint that had it.
    `torque_spike_nm`, `torque_spike_joint`: largest distance of a torque from the median of the 7 values around
    it, 10 ms apart, Nm, and its joint. A value is judged when what follows is known, so a spike shows in the
    block that ends 30 ms (3 samples below 100 Hz) later, and a stream's first and last 30 ms are not judged.
    `jump_rad`, `jump_joint`: largest step of a position, rad, less what three times the median speed of the 7 steps
    around it explains, and its joint; judged when the three samples after it are known.
    `nan_count`: values (position, velocity, torque) that are not finite.
    `still_share`: share of the samples with a speed in which every joint was slower than `STILL_RAD_S`.
    `path_rad`: length of the way through joint space from the sample before the block to its last one, rad.
    """

    speed: float
    torque_peak_nm: float
    torque_peak_joint: float
    torque_spike_nm: float
    torque_spike_joint: float
    jump_rad: float
    jump_joint: float
    nan_count: float
    still_share: float
    path_rad: float


@dataclass(frozen=True, slots=True)
class _Rows:
    """Consecutive samples: (m,) times; (m, j) positions and torques, (m, 0) when not given; NaN = not finite."""

    times_ns: Int64s
    position: Float64s
    torque: Float64s

    def after(self, before: "_Rows") -> "_Rows":
        return _Rows(
            np.concatenate([before.times_ns, self.times_ns]),
            np.concatenate([before.position, self.position]),
            np.concatenate([before.torque, self.torque]),
        )

    def last(self, rows: int) -> "_Rows":
        begin = max(0, len(self.times_ns) - rows)
        return _Rows(self.times_ns[begin:], self.position[begin:], self.torque[begin:])

    def is_like(self, other: "_Rows") -> bool:
        return self.position.shape[1:] == other.position.shape[1:] and self.torque.shape[1:] == other.torque.shape[1:]


class MotionScorer:
    """Scores the blocks of one joint stream in order; begins anew where the number of joints changes."""

    def __init__(self) -> None:
        self._before: _Rows | None = None
        self._spacing: int | None = None

    @np.errstate(all="ignore")  # absurd values come out as infinite or NaN; nobody reads warnings
    def score(
        self,
        captured_ns: Int64s,
        position_rad: Float64s | None,
        velocity_rad_s: Float64s | None,
        torque_nm: Float64s | None,
    ) -> MotionScore:
        """Score the next block.

        `captured_ns`: (n,) int64. `position_rad`, `velocity_rad_s`, `torque_nm`: (n, j) float64; None or empty
        when the robot doesn't give them. Positions tell no speed across samples that are out of order.

        Raises `UnusableBlockError` when the shapes don't fit together.
        """
        columns = _columns(len(captured_ns), position_rad, velocity_rad_s, torque_nm)
        position, velocity, torque = (np.where(np.isfinite(column), column, np.nan) for column in columns)
        block = _Rows(captured_ns, position, torque)
        rows = self._with_those_before(block)
        by_position = _speeds(rows, lag=self._spacing or 1)[len(rows.times_ns) - len(captured_ns) :]
        speeds = np.fmax(_fastest(velocity), by_position)
        peak_nm, peak_joint = _largest(torque)
        spike_nm, spike_joint = _largest(_spikes(rows.torque, spacing=self._spacing))
        jump_rad, jump_joint = _largest(_jumps(rows, new=len(captured_ns)))
        path_rad = _path(rows, new=len(captured_ns))
        self._remember(rows)
        return MotionScore(
            speed=float(np.fmax.reduce(speeds, initial=np.nan)),
            torque_peak_nm=peak_nm,
            torque_peak_joint=peak_joint,
            torque_spike_nm=spike_nm,
            torque_spike_joint=spike_joint,
            jump_rad=jump_rad,
            jump_joint=jump_joint,
            nan_count=sum(int(np.count_nonzero(~np.isfinite(column))) for column in columns),
            still_share=_still_share(speeds),
            path_rad=path_rad,
        )

    def _with_those_before(self, block: _Rows) -> _Rows:
        if self._before is None or not block.is_like(self._before):
            self._before, self._spacing = None, None
        rows = block if self._before is None else block.after(self._before)
        if self._spacing is None and len(rows.times_ns) >= _ROWS_THAT_TELL_THE_RATE:
            self._spacing = _spacing(rows.times_ns)
        return rows

    def _remember(self, rows: _Rows) -> None:
        """Keep what the next block's taps reach back to: seven torques, seven steps of position."""
        self._before = rows if self._spacing is None else rows.last(max(taps.TAPS, (taps.TAPS - 1) * self._spacing))


def _columns(rows: int, *given: Float64s | None) -> list[Float64s]:
    """Make absent columns (rows, 0), and check that the others agree."""
    columns = [np.empty((rows, 0)) if column is None or not column.size else column for column in given]
    widths = {column.shape[1:] for column in columns if column.size}
    if len(widths) > 1 or any(column.ndim != 2 or len(column) != rows for column in columns):  # noqa: PLR2004  # samples by joints
        raise UnusableBlockError(f"{rows} times beside columns of shapes {[column.shape for column in columns]}")
    return columns


def _spacing(times_ns: Int64s) -> int:
    """Return the number of samples that is nearest to the time between taps."""
    period_ns = float(np.median(np.diff(times_ns)))
    return min(_MAX_SPACING, max(1, round(TAP_NS / period_ns))) if period_ns > 0 else 1


def _fastest(velocity: Float64s) -> Float64s:
    """Reduce (m, j) to the fastest joint's speed, (m,); NaN when no joint has one."""
    return np.asarray(np.fmax.reduce(np.abs(velocity), axis=1, initial=np.nan))


def _speeds(rows: _Rows, *, lag: int) -> Float64s:
    """Return the fastest joint's change of position over `lag` samples for each row; NaN = not known."""
    speeds = np.full(len(rows.times_ns), np.nan)
    passed_ns = rows.times_ns[lag:] - rows.times_ns[:-lag]
    velocity = (rows.position[lag:] - rows.position[:-lag]) / (passed_ns[:, np.newaxis] / 1e9)
    speeds[lag:] = np.where(passed_ns >= _LEAST_BASELINE_NS, _fastest(velocity), np.nan)
    return speeds


def _spikes(torque: Float64s, *, spacing: int | None) -> Float64s:
    """Return how far torques lie from the median of their taps."""
    if spacing is None:
        return np.empty((0, torque.shape[1]))
    return taps.centre(torque, spacing=spacing) - taps.median(torque, spacing=spacing)


def _jumps(rows: _Rows, *, new: int) -> Float64s:
    """Return what steps of position go beyond the speed around them, for those that `new` rows complete."""
    begin = max(0, len(rows.times_ns) - new - taps.TAPS)
    passed_s = np.diff(rows.times_ns[begin:])[:, np.newaxis] / 1e9
    step = np.abs(np.diff(rows.position[begin:], axis=0))
    speed = taps.median(np.where(passed_s > 0, step / passed_s, np.nan), spacing=1)
    explained = _EXPLAINED * speed * taps.centre(passed_s, spacing=1)
    return np.maximum(0, taps.centre(step, spacing=1) - explained)


def _path(rows: _Rows, *, new: int) -> float:
    steps = np.diff(rows.position[max(0, len(rows.times_ns) - new - 1) :], axis=0)
    return float(np.linalg.norm(np.nan_to_num(steps), axis=1).sum()) if steps.size else math.nan


def _largest(values: Float64s) -> tuple[float, float]:
    """Return the largest magnitude in (m, joints), and its joint."""
    magnitude = np.fmax.reduce(np.abs(values), axis=0, initial=np.nan)
    if np.isnan(magnitude).all():
        return math.nan, math.nan
    joint = int(np.nanargmax(magnitude))
    return float(magnitude[joint]), joint


def _still_share(speeds: Float64s) -> float:
    known = speeds[~np.isnan(speeds)]
    return float(np.mean(known < STILL_RAD_S)) if known.size else math.nan
