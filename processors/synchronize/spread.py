"""How values are spread, in bounded memory: a histogram whose bins are 0.1 % wide. Pure."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np

from saltwell.contracts.columns import Int64s

_STEP = math.log(1.001)
_BUFFER = 512


class Spread:
    """Signed whole numbers; quantiles are within 0.05 % of a value that was there, the extremes exact."""

    def __init__(self) -> None:
        self._bins: Counter[int] = Counter()
        self._waiting: list[int] = []
        self._least = self._most = 0

    def add(self, values: Iterable[int]) -> None:
        """Take values."""
        self._waiting.extend(values)
        if len(self._waiting) >= _BUFFER:
            self._flush()

    def put(self, value: int) -> None:
        """Take a value."""
        self._waiting.append(value)
        if len(self._waiting) >= _BUFFER:
            self._flush()

    def quantiles(self, shares: Iterable[float]) -> list[float]:
        """Quantiles, signed; 0 without values. Shares 0 and 1 are the extremes."""
        pairs = self.pairs()
        return [self._extreme(share) if share in {0.0, 1.0} else quantile(pairs, share) for share in shares]

    def absolute_quantiles(self, shares: Iterable[float]) -> list[float]:
        """Quantiles of the absolute values."""
        pairs = [(abs(value), count) for value, count in self.pairs()]
        most = float(max(abs(self._least), abs(self._most)))
        return [most if share == 1.0 else quantile(pairs, share) for share in shares]

    def pairs(self) -> list[tuple[float, int]]:
        """A value for each bin, and how many are in it."""
        self._flush()
        return [(self._value(at), count) for at, count in self._bins.items()]

    def _flush(self) -> None:
        if not self._waiting:
            return
        values = np.asarray(self._waiting, dtype=np.int64)
        self._waiting = []
        least, most = int(values.min()), int(values.max())
        self._least, self._most = (min(least, self._least), max(most, self._most)) if self._bins else (least, most)
        bins, counts = np.unique(_bins(values), return_counts=True)
        self._bins.update(dict(zip(bins.tolist(), counts.tolist(), strict=True)))

    def _value(self, at: int) -> float:
        middle = math.copysign(math.exp((abs(at) - 0.5) * _STEP), at) if at else 0.0
        return min(max(middle, self._least), self._most)

    def _extreme(self, share: float) -> float:
        return float(self._most if share else self._least)


def quantile(pairs: Iterable[tuple[float, int]], share: float) -> float:
    """The value at a share of all (between two: on the line), of values with how often each is; 0 without values."""
    ordered = sorted(pairs)
    rank = share * (sum(count for _, count in ordered) - 1)
    below, before = 0, 0.0
    for value, count in ordered:
        if rank < below:
            return before + (value - before) * (rank - below + 1)
        below, before = below + count, value
        if rank <= below - 1:
            break
    return before


def _bins(values: Int64s) -> Int64s:
    """0 for 0; from 1 on, one bin for each 0.1 %; negative for negative values."""
    size = np.abs(values.astype(np.float64))
    at = np.floor(np.log(np.maximum(size, 1.0)) / _STEP) + 1
    return (np.sign(values) * np.where(size > 0, at, 0)).astype(np.int64)
