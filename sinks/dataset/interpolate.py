"""Values of a stream at the steps, as the alignment says: between two frames, or of one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s
from sinks.episodes.annotations import StepMatch


@dataclass(frozen=True, slots=True)
class Samples:
    """A stream's samples: numbers (n,), rising; site times (n,) in ns; values (n, k)."""

    seqs: Int64s
    times_ns: Int64s
    values: Float64s


def at_steps(samples: Samples, matches: Sequence[StepMatch], t_ref_ns: Int64s) -> Float64s:
    """Values (steps, k) at the steps; NaN where nothing is matched.

    Between two frames values are linear in time; the weight is by the frames' own times, so that it does not depend on
    how far the clock's offset was corrected meanwhile.
    """
    first = _indexes(samples, [match.seq for match in matches])
    after = _indexes(samples, [match.seq_next for match in matches])
    found = np.full((len(matches), samples.values.shape[1]), np.nan)
    there = first >= 0
    found[there] = samples.values[first[there]]
    between = there & (after >= 0)
    begin, end = samples.times_ns[first[between]], samples.times_ns[after[between]]
    span = np.maximum(end - begin, 1)
    weight = np.clip((t_ref_ns[between] - begin) / span, 0.0, 1.0)[:, None]
    found[between] += weight * (samples.values[after[between]] - found[between])
    return found


def unit_quaternions(values: Float64s) -> Float64s:
    """Quaternions (n, 4) of length 1, each on the side of the one before, so that values between them make sense."""
    turned = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    signs = np.ones(len(turned))
    if len(turned) > 1:
        signs[1:] = np.cumprod(np.where(np.sum(turned[1:] * turned[:-1], axis=1) < 0, -1.0, 1.0))
    aligned: Float64s = turned * signs[:, None]
    return aligned


def windows(samples: Samples, t_ref_ns: Int64s, *, length: int) -> Float64s:
    """The last `length` samples at or before each step: (steps, length, k), oldest first, NaN before the first."""
    ends = np.searchsorted(samples.times_ns, t_ref_ns, side="right")
    picked = ends[:, None] - length + np.arange(length)
    found: Float64s = samples.values[np.clip(picked, 0, max(len(samples.values) - 1, 0))]
    found[picked < 0] = np.nan
    return found


def _indexes(samples: Samples, seqs: Sequence[int]) -> Int64s:
    """Where the numbers stand; -1 for one that is not there."""
    wanted = np.asarray(seqs, dtype=np.int64)
    if not samples.seqs.size:
        return np.full(wanted.shape, -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(samples.seqs, wanted), len(samples.seqs) - 1)
    return np.where(samples.seqs[at] == wanted, at, -1)
