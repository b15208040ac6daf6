"""The lag at which one set of signals explains another best, with what speaks for it. Pure.

The error is estimated by leaving out one piece of the episode at a time (the delete-one-group jackknife: Quenouille
1956, Tukey 1958), so it covers what a model of the motion gets wrong as well as noise.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.judge.content.signals import GRID_S, known_rows
from saltwell.contracts.columns import Float64s

_PIECE_S = 1.0
"""Motions last about so long: shorter pieces would be alike, and the error would seem smaller than it is."""
_MOST_PIECES = 8
_STUDENT_95 = {5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}
"""By number of pieces, so of one degree of freedom less; two-sided. Less than five pieces tell nothing."""
_FLOOR_S = 0.002
"""What interpolation between samples, and exposure, may hide."""
_RIVAL_S = 0.15
_SHARED_RIDGE, _OWN_RIDGE = 0.001, 0.02
_LEAST_UNEXPLAINED = 1e-6

Scores = Float64s
"""For each lag, the mean over channels of -log(share not explained): the likelihood of the lag, per sample."""


@dataclass(frozen=True, slots=True)
class Lag:
    """By how much the second set of signals lags the first.

    `left_out_s`: the same with each piece of the episode left out.
    `explained`: share of the second's variance that the first explains at this lag, 0 to 1.
    `distinct`: of what the best lag more than 150 ms away leaves unexplained, the share that this one explains.
    `inside`: False when the best lag is at the end of those tried.
    """

    lag_s: float
    left_out_s: tuple[float, ...]
    explained: float
    distinct: float
    inside: bool

    @property
    def error_s(self) -> float:
        """Bound of the error at 95 %."""
        n = len(self.left_out_s)
        spread = np.square(np.asarray(self.left_out_s) - np.mean(self.left_out_s)).sum()
        return float(np.hypot(_STUDENT_95[n] * np.sqrt((n - 1) / n * spread), _FLOOR_S))


@dataclass(frozen=True, slots=True)
class Lags:
    """Which lags are tried, in steps of the grid: `first` to `last`."""

    first: int
    last: int

    @classmethod
    def between(cls, first_s: float, last_s: float) -> "Lags":
        """Lags from `first_s` to `last_s`."""
        return cls(round(first_s / GRID_S), round(last_s / GRID_S))

    def steps(self) -> range:
        """All of them."""
        return range(self.first, self.last + 1)

    def usable(self, known_first: NDArray[np.bool_], known_second: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Rows of the second set that are known, with the first known at every lag."""
        n = len(known_second)
        row = np.arange(max(0, self.last), n + min(0, self.first))
        if not row.size:
            return row
        unknown = np.concatenate([[0], np.cumsum(~known_first)])
        clear = unknown[row - self.first + 1] == unknown[row - self.last]
        return np.asarray(row[clear & known_second[row]])


def explained_by_all(first: Float64s, second: Float64s, lags: Lags) -> Lag | None:
    """Find the lag at which all of `first` (m, j) together explain each column of `second` (m, c) best.

    Least squares with a small ridge, so that joints that move together share their part. None when there is too
    little to tell.
    """
    rows = _pieces(first, second, lags)
    if rows is None:
        return None
    own = np.stack([[first[r - k].T @ first[r - k] for k in lags.steps()] for r in rows])
    cross = np.stack([[first[r - k].T @ second[r] for k in lags.steps()] for r in rows])
    total = np.stack([np.einsum("rc,rc->c", second[r], second[r]) for r in rows])

    def scores(weights: Float64s) -> Scores:
        a, b, c = (np.tensordot(weights, moments, 1) for moments in (own, cross, total))
        factors = np.linalg.solve(_ridged(a), b)
        fit = (factors * (2 * b - a @ factors)).sum(axis=1)
        return _likelihood(fit / np.maximum(c, np.finfo(float).tiny))

    return _best(scores, len(rows), lags)


def explained_one_by_one(first: Float64s, second: Float64s, lags: Lags) -> list[Lag]:
    """Find, for each column of `first` (m, c), the lag at which it correlates best with that of `second`.

    Columns that run against each other count as not correlated. Nothing when there is too little to tell.
    """
    rows = _pieces(first, second, lags)
    if rows is None:
        return []
    moments = np.stack([[_moments(first[r - k], second[r]) for k in lags.steps()] for r in rows])

    def scores_of(column: int) -> Callable[[Float64s], Scores]:
        return lambda weights: _likelihood(_correlation(np.tensordot(weights, moments[..., [column]], 1)) ** 2)

    return [_best(scores_of(column), len(rows), lags) for column in range(first.shape[1])]


def _pieces(first: Float64s, second: Float64s, lags: Lags) -> list[NDArray[np.intp]] | None:
    rows = lags.usable(known_rows(first), known_rows(second))
    pieces = min(_MOST_PIECES, int(len(rows) * GRID_S / _PIECE_S))
    return np.array_split(rows, pieces) if pieces in _STUDENT_95 and first.shape[1] else None


def _ridged(gram: Float64s) -> Float64s:
    """Add to the diagonals of (lags, j, j) 2 % of themselves, and 0.1 % of their mean for those that don't move."""
    joint = np.arange(gram.shape[-1])
    diagonal = gram[:, joint, joint]
    ridged = gram.copy()
    shared = _SHARED_RIDGE * diagonal.mean(axis=1, keepdims=True) + np.finfo(float).tiny
    ridged[:, joint, joint] += _OWN_RIDGE * diagonal + shared
    return ridged


def _moments(x: Float64s, y: Float64s) -> Float64s:
    """Sums that a correlation is made of: (6, c)."""
    count = np.full(x.shape[1], float(len(x)))
    return np.stack([count, x.sum(0), y.sum(0), (x * x).sum(0), (y * y).sum(0), (x * y).sum(0)])


def _correlation(moments: Float64s) -> Float64s:
    """From (lags, 6, c) to (lags, c); what runs against each other counts as 0."""
    n, x, y, xx, yy, xy = np.moveaxis(moments, 1, 0)
    spread = np.sqrt(np.maximum(xx - x * x / n, 0) * np.maximum(yy - y * y / n, 0))
    return np.asarray(np.maximum(xy - x * y / n, 0) / np.maximum(spread, np.finfo(float).tiny))


def _likelihood(explained: Float64s) -> Scores:
    return np.asarray(-np.log(np.maximum(1 - explained, _LEAST_UNEXPLAINED)).mean(axis=1))


def _best(scores: Callable[[Float64s], Scores], pieces: int, lags: Lags) -> Lag:
    whole = scores(np.ones(pieces))
    best, peak = int(np.argmax(whole)), float(whole.max())
    left_out_s = tuple(_peak_s(scores(weights), lags) for weights in 1 - np.eye(pieces))
    steps = np.asarray(lags.steps())
    rivals = whole[np.abs(steps - steps[best]) * GRID_S >= _RIVAL_S]
    return Lag(
        lag_s=_peak_s(whole, lags),
        left_out_s=left_out_s,
        explained=1 - float(np.exp(-peak)),
        distinct=1 - float(np.exp(rivals.max(initial=0.0) - peak)),
        inside=0 < best < len(steps) - 1,
    )


def _peak_s(scores: Scores, lags: Lags) -> float:
    """Place of the peak between the steps, by a parabola.

    Through what is left unexplained, which is a parabola near its minimum; its logarithm is a spike where signals
    are clean, and pulls towards the grid.
    """
    best = int(np.argmax(scores))
    shift = 0.0
    if 0 < best < len(scores) - 1:
        before, least, after = np.exp(-scores[best - 1 : best + 2])
        bend = before - 2 * least + after
        shift = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float((lags.first + best + shift) * GRID_S)
