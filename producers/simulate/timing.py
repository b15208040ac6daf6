"""When sensors sample and when their samples arrive, drawn from seeded generators."""

import numpy as np

NS = 1_000_000_000


class Pulse:
    """The instants at which one sensor samples: its own phase, its own crystal, a little jitter."""

    def __init__(self, *, rate_hz: float, phase_s: float, jitter_s: float, rng: np.random.Generator) -> None:
        """Start a pulse whose crystal is up to 40 ppm off."""
        self._period_ns = NS / rate_hz * (1 + rng.uniform(-40e-6, 40e-6))
        self._phase_ns = phase_s * NS
        self._jitter_ns = jitter_s * NS
        self._rng = rng
        self._count = 0
        self._next_ns = self._draw()

    def due(self, elapsed_ns: int) -> list[int]:
        """Return the instants up to `elapsed_ns` after the start that were not returned before, in ns."""
        instants = []
        while self._next_ns <= elapsed_ns:
            instants.append(self._next_ns)
            self._count += 1
            self._next_ns = self._draw()
        return instants

    def _draw(self) -> int:
        jitter_ns = float(np.clip(self._rng.normal(0, self._jitter_ns), -3 * self._jitter_ns, 3 * self._jitter_ns))
        return max(0, round(self._phase_ns + self._count * self._period_ns + jitter_ns))


class Link:
    """The way from a sensor to the edge box: a constant latency, a skewed jitter, and no overtaking."""

    def __init__(self, *, latency_s: float, jitter_s: float, rng: np.random.Generator) -> None:
        """Take the least latency and the mean of what comes on top of it."""
        self._latency_ns = latency_s * NS
        self._jitter_ns = jitter_s * NS
        self._rng = rng
        self._last_ns = 0

    def arrival(self, ready_ns: int) -> int:
        """Return when a message that left the sensor at `ready_ns` arrives, never before the one before it."""
        jitter_ns = min(self._rng.gamma(2.0, self._jitter_ns / 2), 8 * self._jitter_ns)
        self._last_ns = max(self._last_ns, ready_ns + round(self._latency_ns + jitter_ns))
        return self._last_ns
