"""Which camera shows what: pictures that change places in the middle of an episode. Pure.

Cameras that were swapped before the episode began show nothing unusual in it: only a baseline can tell.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from processors.judge.criteria import Measured
from processors.judge.images import QUARTERS
from processors.judge.series import Bools, StreamScores, longest_run
from saltwell.contracts.columns import Float64s, Int64s

_LEAST_SECONDS = 0.5
_COLOUR_WEIGHT = 2.0
_CROSSED = 0.75
"""Swapped, both pictures together lie nearer to what the other camera usually shows, by this factor."""

_LEAST_CHANGE = 0.5

_Look = tuple[Int64s, Float64s]
"""Site times (n,), and what a camera showed at them, (n, m)."""


def swapped_cameras(scores: Mapping[str, StreamScores], offsets_ns: Mapping[str, int]) -> Iterator[Measured]:
    """Each camera that shows another's picture from some time on; 0 for none. `offsets_ns`: sensor to site time."""
    seen = {name: _signature(one, offsets_ns.get(name, 0)) for name, one in sorted(scores.items())}
    seen = {name: look for name, look in seen.items() if len(look[0]) > 1}
    found = dict.fromkeys(seen, 0)
    for first, second in combinations(seen, 2):
        at_ns = _swap(seen[first], seen[second])
        for name in (first, second) if at_ns else ():
            found[name] = found[name] or at_ns - offsets_ns.get(name, 0)
    for name, at_ns in found.items():
        yield Measured("swapped", name, "color", float(at_ns > 0), at_ns, at_ns)


def _signature(scores: StreamScores, offset_ns: int) -> _Look:
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


def _swap(first: _Look, second: _Look) -> int:
    """When two cameras changed places, site time; 0 when they did not.

    At each moment both looks are compared with what either camera usually shows. Where the change lasts longer than
    half of the episode, the other part is the unusual one: then the change is at its end.
    """
    if first[1].shape[1] != second[1].shape[1]:
        return 0
    times, a = first
    b = second[1][np.minimum(np.searchsorted(second[0], times), len(second[0]) - 1)]
    crossed = _crossed(a, b, np.median(a, axis=0), np.median(b, axis=0))
    seconds, from_ns, to_ns = longest_run(times, crossed)
    if seconds < _LEAST_SECONDS:
        return 0
    return to_ns if from_ns <= times[1] else from_ns


def _crossed(a: Float64s, b: Float64s, usual_a: Float64s, usual_b: Float64s) -> Bools:
    """Moments at which each of two cameras looks more like the other, and both together much more."""
    own_a, own_b = np.abs(a - usual_a).sum(axis=1), np.abs(b - usual_b).sum(axis=1)
    other_a, other_b = np.abs(a - usual_b).sum(axis=1), np.abs(b - usual_a).sum(axis=1)
    stayed, swapped = own_a + own_b, other_a + other_b
    each = (other_a < own_a) & (other_b < own_b)
    return np.asarray(each & (stayed > _LEAST_CHANGE) & (swapped < _CROSSED * stayed))
