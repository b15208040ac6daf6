"""From one sensor's clock to the site's: what to add to its stamps. Pure, by order of arrival.

The site's clock is the edge box's. Of a sensor only one direction is seen: delay = arrival - stamp = (site - sensor)
+ least latency + queue. The floor under the delays takes the queues away; the least latency can't be told from the
clock's offset, so it comes from calibration, or from what the first frame makes likely:

- calibrated: offset = floor - latency.
- kept: no calibration, and the first stamp lies within ten seconds of its arrival: the sensor keeps the site's time,
  its delay is data. Its stamps are used as they are until they are proved wrong: a jump, a drift beyond the bound, or
  a stamp in the future of its arrival.
- foreign: no calibration, another epoch (the time since boot): offset = floor, a latency of 0.
- hardware: PTP or a trigger, as the calibration says: the stamps are used as they are, whatever they show.
- derived: frame number / rate, as the calibration or the kind of recording says: likewise, and nobody measured them.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from producers.clock.calibration import SensorCalibration
from producers.clock.envelope import Envelope
from producers.clock.jumps import JumpWatch, Stamp

SAME_EPOCH_NS = 10_000_000_000

ClockSource = Literal["kept", "calibrated", "foreign", "hardware", "derived"]

_PPM = 1e6
_FARTHEST_NS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What is known of a sensor's clock.

    `offset_ns`: add to a stamp to get site time. `rate_ppm`: positive = the sensor's clock runs fast. `residual_ns`:
    what the offset may be off by, the least latency apart. `jumps` so far; the last one's size (positive = the sensor's
    clock went forward) and the stamp it begins with.
    """

    source: ClockSource
    offset_ns: int = 0
    rate_ppm: float = 0.0
    residual_ns: int = 0
    jumps: int = 0
    jump_ns: int = 0
    jump_at_ns: int = 0

    def as_index(self) -> dict[str, Any]:
        """The fields of a StreamIndex that tell of the clock."""
        return {f"clock_{name}": value for name, value in asdict(self).items()}


class SensorClock:
    """The clock behind one stream."""

    def __init__(self, calibration: SensorCalibration | None = None) -> None:
        self._calibration = calibration
        self._source: ClockSource = "kept"
        self._latency_ns: float | None = None  # None: what the floor is at the first frame
        self._envelope = Envelope()
        self._watch = JumpWatch()
        self._first_ns: int | None = None
        self._now_ns = 0
        self._jumps = 0
        self._jump_at: Stamp | None = None
        self._floor_at_jump_ns = 0.0
        self.before_jump: ClockReading | None = None

    def add(self, captured_ns: int, arrived_ns: int) -> int:
        """Take a frame; gives how many of the latest frames, this one included, are of a clock set anew: mostly 0."""
        stamp = Stamp(captured_ns, arrived_ns)
        self._now_ns = arrived_ns
        if self._first_ns is None:
            self._begin(stamp)
        seen = self._watch.see(stamp, self._envelope.floor_ns(arrived_ns))
        if seen.since_jump:
            self._jump(seen.since_jump)
        elif seen.usable and self._envelope.add(arrived_ns, stamp.delay_ns) and self._latency_ns is None:
            self._latency_ns = self._latency()
        return len(seen.since_jump)

    def reading(self) -> ClockReading:
        """What is known at the latest frame."""
        if self._first_ns is None:
            return ClockReading(self._source)
        bound_ns = self._envelope.bound_ns()
        return ClockReading(
            source=self._source,
            offset_ns=_int64(self._offset_ns(bound_ns)),
            rate_ppm=-self._envelope.rate * _PPM,
            residual_ns=_int64(bound_ns),
            jumps=self._jumps,
            jump_ns=self._jump_size_ns(),
            jump_at_ns=self._jump_at.captured_ns if self._jump_at else 0,
        )

    def _begin(self, stamp: Stamp) -> None:
        self._first_ns = stamp.arrived_ns
        self._envelope.add(stamp.arrived_ns, stamp.delay_ns)
        if self._calibration is not None:
            self._source = "calibrated" if self._calibration.stamps == "sensor" else self._calibration.stamps
            self._latency_ns = self._calibration.latency_ns
        elif abs(stamp.delay_ns) >= SAME_EPOCH_NS:
            self._source, self._latency_ns = "foreign", 0

    def _offset_ns(self, bound_ns: float) -> float:
        if self._source in {"hardware", "derived"}:
            return 0.0
        offset_ns = self._envelope.floor_ns(self._now_ns) - self._latency()
        is_unproved = self._source == "kept" and not self._jumps and abs(offset_ns) <= bound_ns
        return 0.0 if is_unproved else offset_ns

    def _latency(self) -> float:
        """The least latency; of a kept clock what its first delays were, and never below 0."""
        if self._latency_ns is not None:
            return self._latency_ns
        return max(self._envelope.floor_ns(self._first_ns or 0), 0.0)

    def _jump(self, since: tuple[Stamp, ...]) -> None:
        self.before_jump = self.reading()
        self._jump_at, self._floor_at_jump_ns = since[0], self._envelope.floor_ns(since[0].arrived_ns)
        self._latency_ns = self._latency()
        self._envelope = self._envelope.restart()
        for stamp in since:
            self._envelope.add(stamp.arrived_ns, stamp.delay_ns)
        self._jumps += 1

    def _jump_size_ns(self) -> int:
        """Where the floor was less where it is, as well as is known by now; positive = the sensor went forward."""
        if self._jump_at is None:
            return 0
        return _int64(self._floor_at_jump_ns - self._envelope.floor_ns(self._jump_at.arrived_ns))


def _int64(value_ns: float) -> int:
    return max(-_FARTHEST_NS, min(_FARTHEST_NS, round(value_ns)))
