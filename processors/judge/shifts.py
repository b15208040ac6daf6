"""Stretches of an episode in which a number lies elsewhere, told by how abruptly they begin or end. Pure.

A camera that turns sees its numbers change from frame to frame as much as a fault would over a while; a fault that
comes and goes changes them at once.
"""

import numpy as np

from processors.judge.series import Bools, spread
from saltwell.contracts.columns import Float64s, Int64s

_STEPS = 6.0
_SIDE_FRAMES = 3
_RETURN = 0.5


def shifted(values: Float64s, *, limit: float, steps: float = _STEPS) -> Bools:
    """Frames of the stretches in which `values` lie higher than beside them by at least `limit`.

    Such a stretch begins or ends with a step of half the limit at least from one frame to the next, and larger than
    6 robust deviations of all steps. It lasts to the step back; without one, to the nearer end of the episode. NaN
    is passed over.
    """
    found = np.zeros(len(values), dtype=np.bool_)
    known = np.flatnonzero(np.isfinite(values))
    level = values[known]
    change = np.diff(level)
    least = max(_RETURN * limit, steps * spread(change))
    ups, downs = np.flatnonzero(change >= least) + 1, np.flatnonzero(change <= -least) + 1
    for begin, end in _stretches(ups, downs, len(level)):
        if _rises(level, begin, end) >= limit:
            found[known[begin] : known[end - 1] + 1] = True
    return found


def _stretches(ups: Int64s, downs: Int64s, n: int) -> list[tuple[int, int]]:
    """From a step up to the next step down; a step that has no counterpart on either side takes the nearer end."""
    stretches = []
    for up in ups.tolist():
        after = downs[downs > up]
        if len(after):
            stretches.append((up, int(after[0])))
        elif not len(downs):
            stretches.append((up, n))
    stretches += [(0, down) for down in downs.tolist() if not len(ups)]
    return [(begin, end) for begin, end in stretches if end - begin <= n // 2]


def _rises(level: Float64s, begin: int, end: int) -> float:
    """How much higher the ends of a stretch lie than what is beside them; the smaller where both sides are known."""
    inside = level[begin:end]
    rises = []
    if begin:
        rises.append(np.median(inside[:_SIDE_FRAMES]) - np.median(level[max(0, begin - _SIDE_FRAMES) : begin]))
    if end < len(level):
        rises.append(np.median(inside[-_SIDE_FRAMES:]) - np.median(level[end : end + _SIDE_FRAMES]))
    return float(min(rises, default=0.0))
