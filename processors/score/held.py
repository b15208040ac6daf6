"""Values that stand still to the last bit while they should not: a frozen driver, a sensor at its end. Pure.

Real sensors carry noise: in 26,000 samples of real arms, hands, headsets and a motion-capture system no two in a
row were the same in all their values for more than 10 ms.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from saltwell.contracts.columns import Float64s, Int64s

METRICS: tuple[str, ...] = ("held_share", "torque_held_share", "torque_flat_ms", "torque_flat_joint")

Bools = npt.NDArray[np.bool_]

_AT_PEAK = 0.98
_LEAST_TORQUE_NM = 1.0


class HeldScore(NamedTuple):
    """Metrics of one block of joint samples; NaN = not measured. Joints count from 0 in the block's order.

    `held_share`: share of the samples that are the same as the one before in every position, velocity and torque.
    `torque_held_share`: share of the samples whose torques are all the same as before while a position moved.
    `torque_flat_ms`, `torque_flat_joint`: longest run, ending in this block, of one joint's torque standing exactly
    still within 2 % of the largest it has had so far, and at 1 Nm or more, ms: a drive or a sensor at its end.
    """

    held_share: float
    torque_held_share: float
    torque_flat_ms: float
    torque_flat_joint: float


class Runs:
    """How long each of several signs has lasted, over blocks."""

    def __init__(self) -> None:
        self._since_ns: Float64s = np.empty(0)

    def longest_ms(self, times_ns: Int64s, signs: Bools) -> tuple[float, float]:
        """Longest run ending in the block, ms, and its column; `signs` (n, j) say what holds at each time."""
        if len(self._since_ns) != signs.shape[1]:
            self._since_ns = np.full(signs.shape[1], np.nan)
        if not signs.any():
            self._since_ns[:] = np.nan
            return 0.0, np.nan
        longest_ns = np.zeros(signs.shape[1])
        for now_ns, row in zip(times_ns.astype(float).tolist(), signs, strict=True):
            begun = np.where(np.isnan(self._since_ns), now_ns, self._since_ns)
            self._since_ns = np.where(row, begun, np.nan)
            longest_ns = np.fmax(longest_ns, now_ns - self._since_ns)
        column = int(longest_ns.argmax())
        return float(longest_ns[column]) / 1e6, float(column)


class HeldScorer:
    """Scores the blocks of one joint stream in order; remembers the last sample and the largest torques."""

    def __init__(self) -> None:
        self._last: tuple[Float64s, ...] | None = None
        self._peak_nm: Float64s = np.empty(0)
        self._flat = Runs()

    def score(self, captured_ns: Int64s, position: Float64s, velocity: Float64s, torque: Float64s) -> HeldScore:
        """Score the next block: (n,) int64; (n, j) float64 each, (n, 0) where the robot doesn't give them."""
        columns = (position, velocity, torque)
        if not len(captured_ns) or not any(column.size for column in columns):
            return HeldScore(np.nan, np.nan, np.nan, np.nan)
        before = self._last
        if before is None or any(a.shape != c.shape[1:] for a, c in zip(before, columns, strict=True)):
            before = tuple(np.full(column.shape[1], np.nan) for column in columns)
            self._peak_nm = np.zeros(torque.shape[1])
        same = [_same_as_before(first, column) for first, column in zip(before, columns, strict=True)]
        self._last = tuple(column[-1] for column in columns)
        held = np.concatenate(same, axis=1).all(axis=1)
        flat_ms, flat_joint = self._flat_ms(captured_ns, torque, same[2])
        return HeldScore(
            held_share=float(held.mean()),
            torque_held_share=_torque_held_share(same[0], same[2]),
            torque_flat_ms=flat_ms,
            torque_flat_joint=flat_joint,
        )

    def _flat_ms(self, times_ns: Int64s, torque: Float64s, same: Bools) -> tuple[float, float]:
        if not torque.size:
            return np.nan, np.nan
        size = np.abs(np.where(np.isfinite(torque), torque, 0.0))
        peak_nm = np.maximum.accumulate(np.maximum(size, self._peak_nm), axis=0)
        self._peak_nm = peak_nm[-1]
        return self._flat.longest_ms(times_ns, same & (size >= _AT_PEAK * peak_nm) & (size >= _LEAST_TORQUE_NM))


def _same_as_before(first: Float64s, column: Float64s) -> Bools:
    same: Bools = np.equal(column, np.concatenate([first[np.newaxis], column[:-1]]))
    return same


def _torque_held_share(position_same: Bools, torque_same: Bools) -> float:
    if not torque_same.size or not position_same.size:
        return np.nan
    return float(np.mean(torque_same.all(axis=1) & ~position_same.all(axis=1)))
