"""From samples at their own times to rates on a common grid. Pure."""

import numpy as np
from numpy.typing import NDArray

from saltwell.contracts.columns import Float64s

GRID_S = 0.02
"""Rates are compared every 20 ms, and lags tried in the same steps; the peak between them is interpolated."""

MAX_S = 600.0
"""What comes later is not compared: bounds the work, also where stamps leap by years."""

_TREND_S = 0.5
_MAX_GAP_S = 0.2


def grid(begin_s: float, end_s: float) -> Float64s:
    """Return the grid from one time to another, or what of it lies in the first ten minutes."""
    return np.arange(begin_s, max(begin_s, min(end_s, begin_s + MAX_S)), GRID_S)


def common_grid(*times_s: Float64s) -> Float64s:
    """Return the grid over the time that all of the streams cover."""
    return grid(max(times[0] for times in times_s), min(times[-1] for times in times_s))


def at(times_s: Float64s, values: Float64s, wanted_s: Float64s) -> Float64s:
    """Interpolate (n, k) values at the wanted times, (m, k); NaN outside, and in gaps of more than 0.2 s."""
    right = np.clip(np.searchsorted(times_s, wanted_s, side="right"), 1, len(times_s) - 1)
    span_s = times_s[right] - times_s[right - 1]
    share = (wanted_s - times_s[right - 1]) / span_s
    known = (share >= 0) & (share <= 1) & (span_s <= _MAX_GAP_S)
    between: Float64s = values[right - 1] + share[:, np.newaxis] * (values[right] - values[right - 1])
    between[~known] = np.nan
    return between


def held(times_s: Float64s, values: Float64s, wanted_s: Float64s) -> Float64s:
    """Interpolate (n, k) values at the wanted times, (m, k), as if the first and the last value stood for ever."""
    return np.stack([np.interp(wanted_s, times_s, column) for column in values.T], axis=1)


def rates(times_s: Float64s, values: Float64s, wanted_s: Float64s, *, window_s: float) -> Float64s:
    """Return the mean rate of change of (n, k) values over a window about each wanted time, (m, k) a second."""
    half = window_s / 2
    after, before = (at(times_s, values, wanted_s + shift) for shift in (half, -half))
    return np.asarray((after - before) / window_s)


def turning(times_s: Float64s, quaternions: Float64s, wanted_s: Float64s, *, window_s: float) -> Float64s:
    """Return the angle turned over a window about each wanted time, a second: (m, 1) rad/s.

    The angle between the ends of the window, not the sum of the small turns in it, which adds up noise.
    """
    unit = _continuous(quaternions)
    half = window_s / 2
    before, after = (at(times_s, unit, wanted_s + shift) for shift in (-half, half))
    chord = np.linalg.norm(_normed(after) - _normed(before), axis=1)
    return np.asarray(4 * np.arcsin(np.minimum(chord / 2, 1)) / window_s).reshape(-1, 1)


def without_trend(values: Float64s) -> Float64s:
    """Subtract from (m, k) values their mean over a second about each: what is left is where motion begins and ends."""
    half = round(_TREND_S / GRID_S)
    known = known_rows(values)
    filled = values.copy()
    filled[~known] = 0
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(filled, axis=0)])
    counts = np.concatenate([[0], np.cumsum(known)])
    row = np.arange(len(values))
    begin, end = np.maximum(row - half, 0), np.minimum(row + half + 1, len(values))
    return np.asarray(values - (sums[end] - sums[begin]) / np.maximum(counts[end] - counts[begin], 1)[:, np.newaxis])


def known_rows(values: Float64s) -> NDArray[np.bool_]:
    """Which rows of (m, k) values have no NaN: (m,)."""
    return np.asarray(np.isfinite(values).all(axis=1))


def _continuous(quaternions: Float64s) -> Float64s:
    """Unit quaternions without jumps of sign, so that they can be interpolated."""
    unit = _normed(quaternions)
    flips = np.where((unit[1:] * unit[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    return unit * np.cumprod(np.concatenate([[1.0], flips]))[:, np.newaxis]


def _normed(quaternions: Float64s) -> Float64s:
    norm = np.linalg.norm(quaternions, axis=1, keepdims=True)
    return np.asarray(quaternions / np.where(norm > 0, norm, 1))
