"""The frames of one stream, by site time, as the timeline tells of them. Pure."""

import bisect
from dataclasses import dataclass, field

import numpy as np

from saltwell.contracts.columns import Int64s
from saltwell.contracts.identity import StreamKind

IMPOSSIBLE_DELAY_NS = 3_000_000
"""A delay this far below the smallest one seen can't be: the clock stepped (facts: two-hull estimator's jump rule)."""

_PERIOD_SAMPLES = 64


@dataclass(slots=True)
class Track:
    """Frames of a stream in order of capture, and what is known of its rate and clock."""

    name: str
    kind: StreamKind
    match: str
    rate_hz: float
    times_ns: list[int] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    ended: bool = False
    out_of_order: int = 0
    clock_steps: int = 0
    largest_step_ns: int = 0
    first_step_at_ns: int = 0
    clock_offset_ns: int = 0
    _least_delay_ns: int | None = None
    _suspect: tuple[int, int, int, int] | None = None  # site time, sensor time, step, delay

    def add(self, seqs: Int64s, captured_ns: Int64s, arrived_ns: Int64s, *, clock_offset_ns: int) -> None:
        """Take frames in order of arrival; a frame seen before is dropped."""
        self.clock_offset_ns = clock_offset_ns
        for seq, captured, arrived in zip(seqs.tolist(), captured_ns.tolist(), arrived_ns.tolist(), strict=True):
            if seq in self.seen:
                continue
            self.seen.add(seq)
            site_ns = captured + clock_offset_ns
            self._watch_clock(captured, site_ns, arrived - site_ns)
            self._insert(site_ns, seq)

    def period_ns(self) -> float:
        """Median interval of the first frames; the nominal one until three are here; 0 when not known."""
        if len(self.times_ns) > 2:  # noqa: PLR2004 - two intervals are the least that have a median
            return float(np.median(np.diff(self.times_ns[:_PERIOD_SAMPLES])))
        return 1e9 / self.rate_hz if self.rate_hz > 0 else 0.0

    def watermark_ns(self) -> int | None:
        """Latest capture so far, site time."""
        return self.times_ns[-1] if self.times_ns else None

    def around(self, t_ns: int) -> tuple[int | None, int | None]:
        """Indexes of the last frame at or before t and of the first one after it."""
        after = bisect.bisect_right(self.times_ns, t_ns)
        return (after - 1 if after else None, after if after < len(self.times_ns) else None)

    def _insert(self, site_ns: int, seq: int) -> None:
        if not self.times_ns or site_ns >= self.times_ns[-1]:
            self.times_ns.append(site_ns)
            self.seqs.append(seq)
            return
        self.out_of_order += 1
        at = bisect.bisect_right(self.times_ns, site_ns)
        self.times_ns.insert(at, site_ns)
        self.seqs.insert(at, seq)

    def _watch_clock(self, captured_ns: int, site_ns: int, delay_ns: int) -> None:
        """A step forward is a gap in the stamps that the arrivals do not share and that the next frame confirms.

        A queue that drains leaves no such gap, and a frame that overtook others is followed by an earlier one.
        """
        if self._suspect is not None:
            self._settle_suspect(site_ns)
        least = self._least_delay_ns
        if least is not None and delay_ns < least - IMPOSSIBLE_DELAY_NS:
            step_ns = site_ns - self.times_ns[-1] - int(self.period_ns())
            if step_ns > max(self.period_ns(), IMPOSSIBLE_DELAY_NS):
                self._suspect = (site_ns, captured_ns, step_ns, delay_ns)
                return
        if least is None or delay_ns < least:
            self._least_delay_ns = delay_ns

    def _settle_suspect(self, next_site_ns: int) -> None:
        suspect, self._suspect = self._suspect, None
        if suspect is None or next_site_ns <= suspect[0]:
            return
        _, captured_ns, step_ns, delay_ns = suspect
        self.clock_steps += 1
        self.first_step_at_ns = self.first_step_at_ns or captured_ns
        self.largest_step_ns = max(self.largest_step_ns, step_ns)
        self._least_delay_ns = delay_ns
