"""Which camera shows what: pictures that change places in the middle of an episode. Pure."""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.images import QUARTERS
from processors.judge.series import StreamScores
from saltwell.contracts.columns import Float64s, Int64s

_STEP_NS = 250_000_000
_MARGIN_NS = 400_000_000
_COLOUR_WEIGHT = 2.0
_CROSSED = 0.5
"""After a swap each camera's picture lies nearer to the other's before, by this factor."""
_LEAST_CHANGE = 0.3


def swapped_cameras(scores: Mapping[str, StreamScores], offsets_ns: Mapping[str, int]) -> Iterator[Measured]:
    """Each camera that shows another's picture from some time on; 0 for none. `offsets_ns`: sensor to site time."""
    seen = {name: _signature(one, offsets_ns.get(name, 0)) for name, one in sorted(scores.items())}
    seen = {name: pair for name, pair in seen.items() if len(pair[0])}
    found = dict.fromkeys(seen, 0)
    for first, second in combinations(seen, 2):
        at_ns = _swap(seen[first], seen[second])
        for name in (first, second) if at_ns else ():
            found[name] = found[name] or at_ns - offsets_ns.get(name, 0)
    for name, at_ns in found.items():
        yield Measured("swapped", name, "color", float(at_ns > 0), at_ns, at_ns)


def _signature(scores: StreamScores, offset_ns: int) -> tuple[Int64s, Float64s]:
    """Site times (n,) and what the camera looked at then (n, 6): light of the quarters, colour."""
    times, _ = scores.known(QUARTERS[0])
    light = [np.log(scores.known(name)[1] + 1) for name in QUARTERS]
    whole, measured = scores.times_ns(), scores.metric(QUARTERS[0])
    picked = np.isfinite(measured) if measured.size else np.zeros(len(whole), dtype=np.bool_)
    colour = [scores.metric(name) for name in ("red_green", "blue_green")]
    tint = [_COLOUR_WEIGHT * np.nan_to_num(values[picked]) for values in colour if values.size]
    if any(len(row) != len(times) for row in (*light, *tint)):
        return times[:0], np.empty((0, len(QUARTERS)))
    return times + offset_ns, np.stack([*light, *tint], axis=1)


def _swap(first: tuple[Int64s, Float64s], second: tuple[Int64s, Float64s]) -> int:
    """When two cameras changed places, site time; 0 when they did not."""
    begin = max(first[0][0], second[0][0]) + _MARGIN_NS
    end = min(first[0][-1], second[0][-1]) - _MARGIN_NS
    if first[1].shape[1] != second[1].shape[1]:
        return 0
    best, best_ns = _CROSSED, 0
    for at_ns in range(int(begin), int(end), _STEP_NS):
        (a, a_after), (b, b_after) = (_sides(one, at_ns) for one in (first, second))
        stayed = float(np.abs(a - a_after).sum() + np.abs(b - b_after).sum())
        crossed = float(np.abs(a - b_after).sum() + np.abs(b - a_after).sum())
        if stayed > _LEAST_CHANGE and crossed < best * stayed:
            best, best_ns = crossed / stayed, at_ns
    return best_ns


def _sides(one: tuple[Int64s, Float64s], at_ns: int) -> tuple[Float64s, Float64s]:
    """Median look before and after a time."""
    times, look = one
    return np.median(look[times <= at_ns], axis=0), np.median(look[times > at_ns], axis=0)
