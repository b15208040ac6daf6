"""What others do, to compare with: each gives the offset it would use for the frame that just arrived, in ns."""

from collections.abc import Callable, Iterator
from typing import Protocol

from bench.clock.simulated import LATENCY_S, Run
from producers.clock import SensorCalibration, SensorClock

_LATENCY_NS = LATENCY_S * 1e9
_EMA_SHARE = 0.02
_LEAK_RATE = 1e-4
_KALMAN_QUEUE_NS = 1e6
_KALMAN_WANDER_NS = 1e3


class Estimator(Protocol):
    """Feed frames in order of arrival."""

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """Offset for this frame, the known latency taken off."""


class TwoHulls:
    """Saltwell's, as the publisher uses it."""

    def __init__(self) -> None:
        self.clock = SensorClock(SensorCalibration(round(_LATENCY_NS)))

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """As Estimator."""
        self.clock.add(captured_ns, arrived_ns)
        return float(self.clock.reading().offset_ns)


class Arrival:
    """The frame's own arrival: what a recorder does that stamps on receipt."""

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """As Estimator."""
        return arrived_ns - captured_ns - _LATENCY_NS


class Average:
    """Exponential moving average of the delays, the mean queue taken for latency."""

    def __init__(self) -> None:
        self._mean: float | None = None

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """As Estimator."""
        delay = float(arrived_ns - captured_ns)
        self._mean = delay if self._mean is None else self._mean + _EMA_SHARE * (delay - self._mean)
        return self._mean - _LATENCY_NS


class LeakyMinimum:
    """Olson 2010: the least delay, growing by the largest drift that is believed in."""

    def __init__(self) -> None:
        self._least: float | None = None
        self._at_ns = 0

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """As Estimator."""
        delay = float(arrived_ns - captured_ns)
        leaked = delay if self._least is None else self._least + _LEAK_RATE * (arrived_ns - self._at_ns)
        self._least, self._at_ns = min(delay, leaked), arrived_ns
        return self._least - _LATENCY_NS


class GatedKalman:
    """A scalar Kalman filter of the delay that leaves out what is more than one sigma off."""

    def __init__(self) -> None:
        self._mean: float | None = None
        self._variance = 1e14

    def __call__(self, captured_ns: int, arrived_ns: int) -> float:
        """As Estimator."""
        delay = float(arrived_ns - captured_ns)
        if self._mean is None:
            self._mean = delay
        self._variance += _KALMAN_WANDER_NS**2
        innovation, total = delay - self._mean, self._variance + _KALMAN_QUEUE_NS**2
        if innovation**2 <= total:
            gain = self._variance / total
            self._mean += gain * innovation
            self._variance *= 1 - gain
        return self._mean - _LATENCY_NS


ESTIMATORS: dict[str, Callable[[], Estimator]] = {
    "arrival": Arrival,
    "average": Average,
    "gated Kalman": GatedKalman,
    "leaky minimum": LeakyMinimum,
    "two hulls": TwoHulls,
}


def errors_ms(estimator: Estimator, run: Run) -> Iterator[float]:
    """Error of each frame's site time, signed, ms."""
    frames = zip(run.true_ns.tolist(), run.captured_ns.tolist(), run.arrived_ns.tolist(), strict=True)
    for true_ns, captured_ns, arrived_ns in frames:
        yield (captured_ns - true_ns + estimator(captured_ns, arrived_ns)) / 1e6
