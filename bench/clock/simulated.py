"""Simulated sensors: true times, stamps of a clock that drifts and wanders, arrivals behind a queue. Seeded.

As in the design's measurements: 30 ppm off, wandering by 1 ppm, 10 minutes; queues with the medians and the 99th
percentiles given there (camera 0.7 / 6.5 ms, Wi-Fi 3.7 / 86 ms).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from saltwell.contracts.columns import Float64s, Int64s

LATENCY_S = 0.030
_START_NS = 1_767_225_600 * 10**9
_OFFSET_S = 5.0
_PPM = 1e-6
_WANDER_S = 600.0

Queue = Callable[[np.random.Generator, int], Float64s]


@dataclass(frozen=True, slots=True)
class Sensor:
    """A kind of sensor: its rate, and its queue's delays in seconds."""

    name: str
    rate_hz: float
    queue: Queue


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a sensor: (n,) true capture times (site), stamps (sensor) and arrivals (site), ns."""

    true_ns: Int64s
    captured_ns: Int64s
    arrived_ns: Int64s

    def set_clock(self, at_s: float, by_s: float) -> "Run":
        """The same with the sensor's clock set by so much at a time."""
        behind = self.true_ns - self.true_ns[0] >= at_s * 1e9
        return Run(self.true_ns, self.captured_ns + behind * round(by_s * 1e9), self.arrived_ns)


def camera_queue(rng: np.random.Generator, count: int) -> Float64s:
    """A wired camera: exponential, 1 ms; 2 % wait for something else."""
    return rng.exponential(0.001, count) + (rng.random(count) < 0.02) * rng.exponential(0.005, count)


def wifi_queue(rng: np.random.Generator, count: int) -> Float64s:
    """A headset on bad Wi-Fi: exponential, 5 ms; 2 % stall for 40 to 100 ms."""
    return rng.exponential(0.005, count) + (rng.random(count) < 0.02) * rng.uniform(0.04, 0.1, count)


def bursty_queue(rng: np.random.Generator, count: int) -> Float64s:
    """A queue with a memory, as real ones have: the Wi-Fi one, of every 70 frames 20 three times heavier."""
    heavy = (np.arange(count) + int(rng.integers(70))) % 70 < 20
    return wifi_queue(rng, count) * np.where(heavy, 3.0, 1.0) + heavy * 0.002


SENSORS = (
    Sensor("camera 30 Hz", 30.0, camera_queue),
    Sensor("bad Wi-Fi 72 Hz", 72.0, wifi_queue),
    Sensor("bursty Wi-Fi 72 Hz", 72.0, bursty_queue),
)


def simulate(sensor: Sensor, *, seed: int, seconds: float) -> Run:
    """One run."""
    rng = np.random.default_rng(seed)
    count = int(seconds * sensor.rate_hz)
    true_s = np.arange(count) / sensor.rate_hz
    wander = np.cumsum(rng.normal(0.0, _PPM / np.sqrt(_WANDER_S * sensor.rate_hz), count))
    drift = np.cumsum(30 * _PPM * rng.choice([-1.0, 1.0]) + wander) / sensor.rate_hz
    arrived_s = np.maximum.accumulate(true_s + LATENCY_S + sensor.queue(rng, count))
    return Run(
        *(_START_NS + np.round(s * 1e9).astype(np.int64) for s in (true_s, true_s + _OFFSET_S + drift, arrived_s))
    )
