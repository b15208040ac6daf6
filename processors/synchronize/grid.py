"""Step times at a fixed rate, for episodes without a camera to anchor them. Pure."""

from collections.abc import Iterator

_LEAD_STEPS = 15
"""So many steps before the first frame to arrive: another stream's first frame may have been captured before it."""

_FARTHEST_NS = 10_000_000_000
"""Over a longer pause no step could be matched: the grid goes on behind it."""

_NS = 1_000_000_000


class Grid:
    """Times at whole periods from the start of the episode, in order."""

    def __init__(self, started_ns: int, rate_hz: float) -> None:
        self._started_ns = started_ns
        self._rate_hz = rate_hz
        self._next: int | None = None

    def until(self, site_ns: int) -> Iterator[int]:
        """The times up to a frame's that were not given yet."""
        if self._next is None:
            self._next = self._number(site_ns) - _LEAD_STEPS
        if site_ns - self._time_ns(self._next) > _FARTHEST_NS:
            self._next = self._number(site_ns)
        while self._time_ns(self._next) <= site_ns:
            yield self._time_ns(self._next)
            self._next += 1

    def _number(self, site_ns: int) -> int:
        return int((site_ns - self._started_ns) * self._rate_hz // _NS)

    def _time_ns(self, number: int) -> int:
        return self._started_ns + round(number * _NS / self._rate_hz)
