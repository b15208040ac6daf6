"""From a sensor's clock to the site's. Pure. First version: tells epochs apart, corrects nothing finer.

A sensor whose stamps are within ten seconds of their arrival keeps the site's time by itself (its delay is data,
not an error). Any other counts from an epoch of its own, such as its boot: its smallest delay so far is its offset.
"""

_SAME_EPOCH_NS = 10_000_000_000


class SensorClock:
    """Offset of one sensor's clock, fixed by its first frame so that a replay gives the same."""

    def __init__(self) -> None:
        self._offset_ns: int | None = None

    def offset_ns(self, captured_ns: int, arrived_ns: int) -> int:
        """What to add to sensor time to get site time."""
        if self._offset_ns is None:
            delay_ns = arrived_ns - captured_ns
            self._offset_ns = 0 if abs(delay_ns) < _SAME_EPOCH_NS else delay_ns
        return self._offset_ns
