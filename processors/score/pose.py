"""Numbers about a block of poses of one body."""

import math
from typing import NamedTuple

import numpy as np

from processors.score import taps
from processors.score.motion import UnusableBlockError
from saltwell.contracts.columns import Float64s, Int64s

METRICS: tuple[str, ...] = ("speed_m_s", "jump_m", "quaternion_error", "nan_count", "held_share", "path_m")

_EXPLAINED = 3.0
"""A step up to this many times as fast as the median of the steps around it is explained. Of 16,800 real steps
(headsets, controllers, an arm's tool, a hand-held camera) one goes beyond by more than 1 mm: a tracking jump of
364 mm."""


class PoseScore(NamedTuple):
    """Metrics of one block of poses; NaN = not measured.

    `speed_m_s`: largest speed from one pose to the next, m/s.
    `jump_m`: largest step, m, less what three times the median speed of the 7 steps around it explains; 0 when all
    steps are explained. A step is judged when the three after it are known, so a jump shows that much later.
    `quaternion_error`: largest | |q| - 1 |.
    `nan_count`: values (position, orientation) that are not finite.
    `held_share`: share of the poses that are the same as the one before to the last bit: tracking was lost.
    `path_m`: length of the way from the pose before the block to its last one, m.
    """

    speed_m_s: float
    jump_m: float
    quaternion_error: float
    nan_count: float
    held_share: float
    path_m: float


class PoseScorer:
    """Scores the blocks of one pose stream in order; remembers the last seven poses."""

    def __init__(self) -> None:
        self._times_ns: Int64s = np.empty(0, dtype=np.int64)
        self._position: Float64s = np.empty((0, 3))
        self._last: Float64s = np.full(7, np.nan)

    @np.errstate(all="ignore")  # absurd values come out as infinite or NaN; nobody reads warnings
    def score(self, captured_ns: Int64s, position_m: Float64s, orientation_xyzw: Float64s) -> PoseScore:
        """Score the next block.

        `captured_ns`: (n,) int64. `position_m`: (n, 3) float64, in any frame of reference that stands still.
        `orientation_xyzw`: (n, 4) float64. Positions that are not finite are counted, and otherwise left out.

        Raises `UnusableBlockError` when the shapes don't fit together.
        """
        if position_m.shape != (len(captured_ns), 3) or orientation_xyzw.shape != (len(captured_ns), 4):
            raise UnusableBlockError(
                f"{len(captured_ns)} times beside positions of shape {position_m.shape} and orientations of shape "
                f"{orientation_xyzw.shape}"
            )
        usable = np.isfinite(position_m).all(axis=1)
        times_ns = np.concatenate([self._times_ns, captured_ns[usable]])
        position = np.concatenate([self._position, position_m[usable]])
        self._times_ns, self._position = times_ns[-taps.TAPS :], position[-taps.TAPS :]
        step_m, passed_s = _steps(times_ns, position)
        in_block = max(0, len(step_m) - int(np.count_nonzero(usable)))
        return PoseScore(
            speed_m_s=_largest((step_m / passed_s)[in_block:]),
            jump_m=_largest(_unexplained_m(step_m, passed_s)),
            quaternion_error=_largest(_norm_error(orientation_xyzw)),
            nan_count=int(np.count_nonzero(~np.isfinite(position_m)))
            + int(np.count_nonzero(~np.isfinite(orientation_xyzw))),
            held_share=self._held_share(position_m, orientation_xyzw),
            path_m=float(step_m[in_block:].sum()) if len(step_m) else math.nan,
        )

    def _held_share(self, position_m: Float64s, orientation_xyzw: Float64s) -> float:
        poses = np.concatenate([self._last[np.newaxis], np.concatenate([position_m, orientation_xyzw], axis=1)])
        self._last = poses[-1]
        return float((poses[1:] == poses[:-1]).all(axis=1).mean()) if len(poses) > 1 else math.nan


def _steps(times_ns: Int64s, position: Float64s) -> tuple[Float64s, Float64s]:
    """Return length (m) and time (s) of each step; NaN for a time that doesn't advance."""
    passed_s = np.diff(times_ns) / 1e9
    step_m = np.linalg.norm(np.diff(position, axis=0), axis=1)
    return step_m, np.where(passed_s > 0, passed_s, np.nan)


def _unexplained_m(step_m: Float64s, passed_s: Float64s) -> Float64s:
    """Return what steps go beyond the speed around them, for those with all their neighbours."""
    speed_m_s = taps.median(step_m / passed_s, spacing=1)
    explained_m = _EXPLAINED * speed_m_s * taps.centre(passed_s, spacing=1)
    return np.maximum(0, taps.centre(step_m, spacing=1) - explained_m)


def _norm_error(orientation_xyzw: Float64s) -> Float64s:
    return np.asarray(np.abs(np.linalg.norm(orientation_xyzw, axis=1) - 1))


def _largest(values: Float64s) -> float:
    return float(np.fmax.reduce(values, initial=np.nan))
