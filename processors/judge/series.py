"""Scores of one stream over an episode, and what is usual in them. Pure."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from saltwell.contracts.columns import Float64s, Int64s, f64, i64
from saltwell.contracts.results import ScoreBlock

Bools = npt.NDArray[np.bool_]

_ROLLING_FRAMES = 181
_STRIDE = 15
_EMPTY = np.empty(0)
_SIGMA_OF_MAD = 1.4826
_PART_OF_ANOTHER = 1 / 3
_NEXT_TO_FRAMES = 3


@dataclass(slots=True)
class StreamScores:
    """All score blocks of one stream, joined."""

    kind: str = ""
    captured_ns: list[Int64s] = field(default_factory=list)
    columns: list[dict[str, Float64s]] = field(default_factory=list)

    def add(self, block: ScoreBlock) -> None:
        """Take the next block."""
        self.kind = block.kind
        self.captured_ns.append(i64(block.captured_ns))
        self.columns.append({metric.name: f64(metric.values) for metric in block.metrics})

    def times_ns(self) -> Int64s:
        """Capture times of all frames."""
        return np.concatenate(self.captured_ns) if self.captured_ns else np.empty(0, dtype=np.int64)

    def metric(self, name: str) -> Float64s:
        """One metric over all frames, NaN where it was not measured; empty when it never was."""
        if not any(name in columns for columns in self.columns):
            return _EMPTY
        blocks = zip(self.captured_ns, self.columns, strict=True)
        return np.concatenate([columns.get(name, np.full(len(times), np.nan)) for times, columns in blocks])

    def known(self, name: str) -> tuple[Int64s, Float64s]:
        """Times and values of a metric where it was measured."""
        values = self.metric(name)
        if not values.size:
            return np.empty(0, dtype=np.int64), values
        finite = np.isfinite(values)
        return self.times_ns()[finite], values[finite]

    def filled(self, name: str) -> Float64s:
        """A metric that is measured on some frames only: the last known value for the others."""
        values = self.metric(name)
        known = np.isfinite(values)
        if not known.any():
            return values
        last = np.maximum.accumulate(np.where(known, np.arange(len(values)), np.argmax(known)))
        return values[last]


def usual(values: Float64s) -> Float64s:
    """Centred median over about six seconds of frames; the window shrinks at the ends. NaN is left out.

    Long, so that a fault of two seconds can't make itself usual. Taken at every 15th frame and held between.
    """
    half = _ROLLING_FRAMES // 2
    if not np.isfinite(values).any():
        return np.full(len(values), np.nan)
    padded = np.pad(values, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)[_STRIDE // 2 :: _STRIDE]
    if not len(windows):
        return np.full(len(values), float(np.nanmedian(values)))
    with np.errstate(all="ignore"):
        medians = np.array([_median(window) for window in windows])
    return np.repeat(medians, _STRIDE)[np.minimum(np.arange(len(values)), len(medians) * _STRIDE - 1)]


def spread(differences: Float64s) -> float:
    """Robust standard deviation about 0 (median absolute deviation); 0 when nothing is known."""
    known = np.abs(differences[np.isfinite(differences)])
    return _SIGMA_OF_MAD * float(np.median(known)) if known.size else 0.0


def share(bad: Bools) -> float:
    """Share of frames that are bad; 0 without frames."""
    return float(bad.mean()) if bad.size else 0.0


def longest_run(times_ns: Int64s, bad: Bools) -> tuple[float, int, int]:
    """Longest run of bad frames: seconds (from the frame before to the last bad one), begin and end."""
    if not bad.any():
        return 0.0, 0, 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    begins, lasts = np.maximum(edges[::2] - 1, 0), edges[1::2] - 1
    seconds = (times_ns[lasts] - times_ns[begins]) / 1e9
    worst = int(seconds.argmax())
    return float(seconds[worst]), int(times_ns[begins[worst]]), int(times_ns[lasts[worst]])


def beside(bad: Bools, *others: Bools) -> Bools:
    """Those runs of bad frames that lie beside the others: less than a third of a run is in them or next to them.

    Next to: some signs are measured on every third frame only.
    """
    kept = bad.copy()
    other = np.convolve(np.any(others, axis=0), np.ones(2 * _NEXT_TO_FRAMES + 1), "same")[: len(bad)] > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if other[begin:end].mean() >= _PART_OF_ANOTHER:
            kept[begin:end] = False
    return kept


def _median(window: Float64s) -> float:
    known = window[np.isfinite(window)]
    return float(np.median(known)) if known.size else float("nan")
