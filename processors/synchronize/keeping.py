"""How one stream kept time, from its frames in order of capture; memory does not grow with their number. Pure."""

import math
from collections.abc import Sequence

import numpy as np

from processors.synchronize.spread import Spread, quantile
from saltwell.contracts.columns import Int64s

FLAGGED_GAP_NS = 100_000_000
"""Gaps above are flagged (Azure reference architecture #220, facts section 4)."""

_GAP_PERIODS = 3
_MAD_TO_SIGMA = 1.4826
_CLOCK_NS = 1_000_000
"""Where stamps and site times differ by more over one interval, the clock was set, and the stamps tell no interval."""


class TimeKeeping:
    """Intervals, gaps and delays; counts of frames that were late, behind their followers, or told twice."""

    def __init__(self) -> None:
        self.late = 0
        self.out_of_order = 0
        self.duplicates = 0
        self.longest_gap_ns = 0
        self.longest_gap_from_ns = 0
        self._intervals = Spread()
        self._delays = Spread()
        self._delay_origin_ns: int | None = None
        self._last: tuple[int, int, int] | None = None  # site time, number, stamp of the last frame
        self._long = Spread()
        self._whole = 0
        self._sum_ns = 0.0
        self._sum_squares = 0.0
        self._near_ns: float | None = None

    def add(
        self, times_ns: Sequence[int], seqs: Sequence[int], captured_ns: Sequence[int], arrived_ns: Sequence[int]
    ) -> None:
        """Take the next frames in order of capture: site time, number, stamp, arrival."""
        captured, arrived = np.asarray(captured_ns, dtype=np.int64), np.asarray(arrived_ns, dtype=np.int64)
        delays = arrived - captured
        if self._delay_origin_ns is None:
            self._delay_origin_ns = int(delays[0])
        self._delays.add((delays - self._delay_origin_ns).tolist())
        first, before = int(self._last is None), self._last or (times_ns[0], seqs[0], captured_ns[0])
        self._last = (times_ns[-1], seqs[-1], captured_ns[-1])
        site, steps = _steps(before[0], times_ns), _steps(before[1], seqs)
        stamps = _steps(before[2], captured_ns)
        gaps = np.where(np.abs(stamps - site) > _CLOCK_NS, site, stamps)
        self._take_gaps(gaps[first:], steps[first:], np.append(before[2], captured[:-1])[first:])

    def period_ns(self) -> float:
        """Median interval between captures."""
        return self._intervals.quantiles([0.5])[0]

    def jitter_share(self) -> float:
        """Robust sigma of the intervals (median absolute deviation) over their median."""
        period = self.period_ns()
        if period <= 0:
            return 0.0
        deviations = [(abs(value - period), count) for value, count in self._intervals.pairs()]
        return _MAD_TO_SIGMA * quantile(deviations, 0.5) / period

    def sigma_share(self) -> float:
        """Standard deviation of the intervals between frames whose numbers follow each other, over their mean."""
        if self._whole < 2 or self._near_ns is None:  # noqa: PLR2004 - two values are the least that differ
            return 0.0
        mean = self._sum_ns / self._whole
        variance = max(self._sum_squares / self._whole - mean**2, 0.0)
        return math.sqrt(variance) / (mean + self._near_ns) if mean + self._near_ns > 0 else 0.0

    def flagged_gaps(self) -> int:
        """Intervals over 100 ms that are over three periods."""
        limit = max(FLAGGED_GAP_NS, int(_GAP_PERIODS * self.period_ns()))
        return sum(count for value, count in self._long.pairs() if value > limit)

    def delays_ns(self, shares: Sequence[float]) -> list[float]:
        """Quantiles of arrival less stamp, as the sensor's clock says it."""
        origin = self._delay_origin_ns or 0
        return [origin + value for value in self._delays.quantiles(shares)]

    def _take_gaps(self, gaps: Int64s, steps: Int64s, from_ns: Int64s) -> None:
        if not gaps.size:
            return
        self._intervals.add(gaps.tolist())
        self._long.add(gaps[gaps > FLAGGED_GAP_NS].tolist())
        longest = int(gaps.argmax())
        if gaps[longest] > self.longest_gap_ns:
            self.longest_gap_ns, self.longest_gap_from_ns = int(gaps[longest]), int(from_ns[longest])
        whole = gaps[steps == 1].astype(np.float64)
        if whole.size:
            self._near_ns = float(whole[0]) if self._near_ns is None else self._near_ns
            self._whole += whole.size
            self._sum_ns += float(np.sum(whole - self._near_ns))
            self._sum_squares += float(np.sum((whole - self._near_ns) ** 2))


def _steps(before: int, values: Sequence[int]) -> Int64s:
    """From each value's predecessor to it."""
    joined = np.asarray([before, *values], dtype=np.int64)
    return joined[1:] - joined[:-1]
