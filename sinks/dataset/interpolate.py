"""Values of a stream at the steps, as the alignment says: between two frames, or of one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from saltwell.contracts.columns import Float64s, Int64s
from sinks.episodes.annotations import StepMatch


@dataclass(frozen=True, slots=True)
class Samples:
    """A stream's samples: numbers (n,), rising; times (n,) in ns by the sensor's clock; values (n, k)."""

    seqs: Int64s
    times_ns: Int64s
    values: Float64s


def at_steps(samples: Samples, matches: Sequence[StepMatch]) -> Float64s:
    """Values (steps, k) at the steps; NaN where nothing is matched.

    Between two frames values are linear in time. The alignment says where between them a step lies: it knew the
    clock as it stood at these frames.
    """
    first = _indexes(samples, [match.seq for match in matches])
    after = _indexes(samples, [match.seq_next for match in matches])
    found = np.full((len(matches), samples.values.shape[1]), np.nan)
    there = first >= 0
    found[there] = samples.values[first[there]]
    between = there & (after >= 0)
    weights = np.array([match.since_ns / max(match.span_ns, 1) for match in matches])[between, None]
    found[between] += weights * (samples.values[after[between]] - found[between])
    return found


def unit_quaternions(values: Float64s) -> Float64s:
    """Quaternions (n, 4) of length 1, each on the side of the one before, so that values between them make sense."""
    turned = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    signs = np.ones(len(turned))
    if len(turned) > 1:
        signs[1:] = np.cumprod(np.where(np.sum(turned[1:] * turned[:-1], axis=1) < 0, -1.0, 1.0))
    aligned: Float64s = turned * signs[:, None]
    return aligned


def windows(samples: Samples, matches: Sequence[StepMatch], *, length: int) -> Float64s:
    """The last `length` samples at or before each step: (steps, length, k), oldest first.

    NaN before the first sample, and at steps where nothing is matched.
    """
    last = _indexes(samples, [match.seq for match in matches])
    missing = last < 0
    last -= [match.skew_ns > 0 for match in matches]  # a frame behind its step: the one before it is the last
    picked = last[:, None] - length + 1 + np.arange(length)
    found: Float64s = samples.values[np.clip(picked, 0, max(len(samples.values) - 1, 0))]
    found[(picked < 0) | missing[:, None]] = np.nan
    return found


def nearest_known(known: npt.NDArray[np.bool_]) -> Int64s:
    """For each of n rows the nearest one that is known, of two as near the earlier; at least one must be."""
    there = np.flatnonzero(known)
    rows = np.arange(len(known))
    after = np.clip(np.searchsorted(there, rows), 0, len(there) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.where(np.abs(there[before] - rows) <= np.abs(there[after] - rows), before, after)
    return np.asarray(there[nearer], dtype=np.int64)


def _indexes(samples: Samples, seqs: Sequence[int]) -> Int64s:
    """Where the numbers stand; -1 for one that is not there."""
    wanted = np.asarray(seqs, dtype=np.int64)
    if not samples.seqs.size:
        return np.full(wanted.shape, -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(samples.seqs, wanted), len(samples.seqs) - 1)
    return np.where(samples.seqs[at] == wanted, at, -1)
