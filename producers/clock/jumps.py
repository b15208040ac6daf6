"""Tells a clock that was set from a queue: a jump shows in the delays and in the stamps, a queue in the delays alone.

Rules of the two-hull estimator (facts, section 2): a delay 3 ms below the floor is impossible, and a second in which
no delay comes within 3 ms of the floor says that the floor is gone. Bursts of a network do both (up to 681 ms in an
outdoor robot's recording), hence the second witness: the distance of stamps. Pure, by order of arrival.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

IMPOSSIBLE_NS = 3_000_000
"""A delay this far below the floor can't be."""

PATIENCE_NS = 1_000_000_000
"""So long no delay near the floor: the floor is gone."""

_LEAST_ABOVE = 5
_INTERVALS = 256
_LEAST_INTERVALS = 8
_MAX_KEPT = 4096
_MAX_SUSPECTS = 16
_AROUND = 3


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a frame was captured by its sensor's clock, and when it arrived."""

    captured_ns: int
    arrived_ns: int

    @property
    def delay_ns(self) -> int:
        """From the stamp to the arrival; what a clock's offset does to it included."""
        return self.arrived_ns - self.captured_ns


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame came to: whether its delay may be used; the frames since the clock was set, if it was."""

    usable: bool
    since_jump: tuple[Stamp, ...] = ()


_USABLE, _UNUSABLE = Seen(True), Seen(False)


@dataclass(slots=True)
class _Above:
    """Frames since the last one near the floor."""

    since_ns: int
    frames: deque[Stamp] = field(default_factory=lambda: deque(maxlen=_MAX_KEPT))
    gaps_ns: deque[int] = field(default_factory=lambda: deque(maxlen=_MAX_KEPT))
    least_excess_ns: float = float("inf")
    shortest_gap_ns: int = 2**63


class JumpWatch:
    """Watches the frames of one stream."""

    def __init__(self) -> None:
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self._last: Stamp | None = None
        self._recent: deque[tuple[Stamp, int]] = deque(maxlen=_MAX_SUSPECTS)  # with the gap before each
        self._suspects: list[Stamp] = []  # from a leap in the stamps on, until it is confirmed
        self._above = _Above(0)

    def see(self, stamp: Stamp, floor_ns: float) -> Seen:
        """Take the next frame and the floor under the delays before it."""
        last, self._last = self._last, stamp
        if last is None:
            self._above = _Above(stamp.arrived_ns)
            return _USABLE
        gap_ns = stamp.captured_ns - last.captured_ns
        self._recent.append((stamp, gap_ns))
        is_below = stamp.delay_ns < floor_ns - IMPOSSIBLE_NS
        if self._suspects and (seen := self._settle(stamp, gap_ns, is_below=is_below)):
            return seen
        if is_below:
            return self._below(stamp, gap_ns, floor_ns - stamp.delay_ns)
        return self._at_or_above(stamp, gap_ns, stamp.delay_ns - floor_ns)

    def _settle(self, stamp: Stamp, gap_ns: int, *, is_below: bool) -> Seen | None:
        """A leap forward is confirmed by a later frame that is below the floor too, refuted by an earlier one."""
        self._suspects.append(stamp)
        if gap_ns > 0 and is_below:
            return self._jumped(tuple(self._suspects))
        if gap_ns <= 0 or len(self._suspects) > _MAX_SUSPECTS:
            self._suspects.clear()
            return None
        return _UNUSABLE

    def _below(self, stamp: Stamp, gap_ns: int, by_ns: float) -> Seen:
        """The clock was set forward, if the stamps made a leap too and a later frame confirms it.

        A queue that drains leaves no leap. A frame that overtook others is followed by an earlier one.
        """
        self._above = _Above(stamp.arrived_ns)
        if gap_ns <= 0:
            return _UNUSABLE
        self._suspects = self._since_leap(by_ns)
        return _UNUSABLE if self._suspects else _USABLE

    def _since_leap(self, by_ns: float) -> list[Stamp]:
        """The latest frames from a leap in the stamps on: the frame that made it may have stood in a queue."""
        if len(self._intervals) < _LEAST_INTERVALS:
            return []
        leap_ns = self._longest_ns() + by_ns / 2
        recent = [*self._recent]
        leaps = [i for i, (_, gap_ns) in enumerate(recent) if gap_ns > leap_ns]
        return [stamp for stamp, _ in recent[leaps[-1] :]] if leaps else []

    def _at_or_above(self, stamp: Stamp, gap_ns: int, excess_ns: float) -> Seen:
        """The clock was set back, if it was above the floor for long and the stamps stepped back too."""
        above = self._above
        above.gaps_ns.append(gap_ns)
        if excess_ns <= IMPOSSIBLE_NS:
            self._intervals.extend(gap for gap in above.gaps_ns if gap >= 0)
            self._above = _Above(stamp.arrived_ns)
            return _USABLE if gap_ns > 0 else _UNUSABLE
        above.least_excess_ns = min(above.least_excess_ns, excess_ns)
        if gap_ns < above.shortest_gap_ns:
            above.shortest_gap_ns = gap_ns
            above.frames.clear()
        above.frames.append(stamp)
        if self._is_set_back(above, stamp):
            return self._jumped(tuple(above.frames))
        return _USABLE if gap_ns > 0 else _UNUSABLE

    def _is_set_back(self, above: _Above, stamp: Stamp) -> bool:
        if stamp.arrived_ns < above.since_ns + PATIENCE_NS or len(above.frames) < _LEAST_ABOVE:
            return False
        if len(self._intervals) < _LEAST_INTERVALS:
            return False
        least_ns = max(above.least_excess_ns / 2, IMPOSSIBLE_NS)
        return above.shortest_gap_ns < min(self._intervals) - least_ns and self._lacks_ns(above) > least_ns

    def _lacks_ns(self, above: _Above) -> float:
        """How much shorter the stamps' way around the shortest gap is than usual: a stutter makes up for itself."""
        gaps = [*[*self._intervals][-_AROUND:], *above.gaps_ns]
        at = len(gaps) - len(above.frames)
        around = gaps[max(at - _AROUND, 0) : at + _AROUND + 1]
        return float(len(around) * np.median(self._intervals)) - sum(around)

    def _jumped(self, since: tuple[Stamp, ...]) -> Seen:
        self._above = _Above(since[-1].arrived_ns)
        self._suspects = []
        self._recent.clear()
        return Seen(usable=True, since_jump=since)

    def _longest_ns(self) -> float:
        """What nine of ten intervals of the stamps are below: single losses do not hide a leap."""
        return float(np.percentile(self._intervals, 90))
