"""Frame numbers for sources without a counter of their own: from stamps and arrivals. Pure.

A number is a slot in the sensor's period, so a frame the source lost leaves a hole and never shifts its
neighbours; a frame that arrives out of order goes into its own slot; a second copy gets the first one's number.
"""

from collections import deque

import numpy as np

IMPOSSIBLE_DELAY_NS = 3_000_000
"""A delay this far below the smallest one seen means that the sensor's clock stepped (facts, section 2)."""

_INTERVALS = 32
_LEAST_INTERVALS = 8
_PERIODIC_SPREAD = 0.25
_LATE_SHARE = 0.15
"""A gap counts as k periods when it is longer than k less this share: VR poses jitter by 0.73 of a period."""

_RECENT = 128
_MAX_HOLE = 100_000
_MAX_BEHIND = 16


class FrameNumbers:
    """Numbers the frames of one stream."""

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int, int]] = deque(maxlen=_RECENT)  # captured, payload digest, seq
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self._holes: dict[int, None] = {}
        self._latest: tuple[int, int] | None = None  # captured, seq of the newest frame
        self._next = 0
        self._behind = 0
        self._skipped = 0
        self._least_delay_ns: int | None = None

    def number(self, captured_ns: int, arrived_ns: int, digest: int) -> tuple[int, bool]:
        """Number of a frame, and whether it is a further copy of one that was numbered before."""
        for captured, seen_digest, seq in reversed(self._recent):
            if captured == captured_ns and seen_digest == digest:
                return seq, True
        seq = self._slot(captured_ns, arrived_ns - captured_ns)
        self._recent.append((captured_ns, digest, seq))
        return seq, False

    @property
    def last(self) -> int:
        """Highest number given; -1 = none."""
        return self._next - 1

    def holes(self) -> list[int]:
        """Numbers that no frame has: lost at the source."""
        return sorted(self._holes)

    def skip(self) -> int:
        """Use up the next number for a frame that can't be sent; the gap it leaves in the stamps is no second loss."""
        self._skipped += 1
        self._next += 1
        return self._next - 1

    def _slot(self, captured_ns: int, delay_ns: int) -> int:
        stepped = self._least_delay_ns is not None and delay_ns < self._least_delay_ns - IMPOSSIBLE_DELAY_NS
        self._least_delay_ns = delay_ns if self._least_delay_ns is None else min(delay_ns, self._least_delay_ns)
        if self._latest is None:
            return self._append(captured_ns, 0)
        gap_ns = captured_ns - self._latest[0]
        if gap_ns < 0:
            return self._late(captured_ns)
        self._behind = 0
        lost = 0 if stepped else max(self._lost(gap_ns) - self._skipped, 0)
        if not (lost or stepped or self._skipped):
            self._intervals.append(gap_ns)
        return self._append(captured_ns, lost)

    def _late(self, captured_ns: int) -> int:
        """A frame captured before the latest one: its hole, else the next number.

        Many in a row mean that the clock went back.
        """
        if (hole := self._hole_at(captured_ns)) is not None:
            del self._holes[hole]
            return hole
        self._behind += 1
        if self._behind > _MAX_BEHIND:
            self._behind = 0
            return self._append(captured_ns, 0)
        self._next += 1
        return self._next - 1

    def _append(self, captured_ns: int, lost: int) -> int:
        for seq in range(self._next, self._next + lost):
            self._holes[seq] = None
        seq = self._next + lost
        self._next = seq + 1
        self._latest = (captured_ns, seq)
        self._skipped = 0
        return seq

    def _lost(self, gap_ns: int) -> int:
        """Frames missing in a gap of a stream that keeps a period; 0 where that can't be said."""
        if len(self._intervals) < _LEAST_INTERVALS:
            return 0
        low, period, high = np.percentile(self._intervals, [10, 50, 90])
        if period <= 0 or high - low > _PERIODIC_SPREAD * period:
            return 0
        return min(max(int(gap_ns / period + _LATE_SHARE) - 1, 0), _MAX_HOLE)

    def _hole_at(self, captured_ns: int) -> int | None:
        """The hole whose slot a late frame belongs to."""
        if not self._holes or self._latest is None or not self._intervals:
            return None
        period = float(np.median(self._intervals))
        slot = self._latest[1] - round((self._latest[0] - captured_ns) / period) if period > 0 else -1
        return slot if slot in self._holes else None
