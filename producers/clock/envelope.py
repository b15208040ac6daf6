"""The floor under a stream's delays: two hulls that take turns, a rate that outlives them. Pure.

Method: lower hulls after Zhang, Liu and Xia (INFOCOM 2002), two that alternate every 30 s (facts, section 2), so that
the one in use holds 30 to 60 s. Of a hull alone the rate is known to about 1 ppm; a crystal wanders less than that in
a minute, so the rate is carried over from hull to hull, and the floor is the line of that rate that supports the hull.
"""

from producers.clock.hull import Line, LowerHull, value

TURN_NS = 30_000_000_000
"""How long a hull is filled before it is used, and used before the next one takes over."""

MAX_RATE = 1e-4
"""No clock in use is off by more than 100 ppm (crystals: 20-50); a steeper hull is a queue that fills or drains."""

_SHARES = (0.4, 0.5, 0.6)
"""The rate is the mean of these edges: a third less error at p99 than of the middle one alone (bench.clock)."""

_DOUBT_S = 2.0
"""Age at which the first hull's own rate weighs as much as 'no rate': where its error falls to that of a crystal."""

_TRUSTED_S = 10.0
"""Age from which a first hull's rate is worth carrying over a jump."""

_MEMORY_S = 90.0
"""A later hull's rate weighs its age over this against the rate carried over."""

_LEAST_SPAN_NS = 200_000_000
_REFIT_NS = 100_000_000
_HULL_SHARES = (1 / 8, 7 / 8)
_HULL_FACTOR = 3.0
_SURE = 4.6
"""The least of n queue delays lies below 4.6 mean / n with 99 % where they are exponential: exp(-4.6) = 0.01."""

_NS = 1_000_000_000


class Envelope:
    """The floor under delays, fed in order of arrival. Times in ns."""

    def __init__(self, *, rate: float = 0.0, rate_is_known: bool = False) -> None:
        self._now = LowerHull()
        self._next = LowerHull()
        self._carried = rate
        self._rate_is_known = rate_is_known
        self._began_ns: int | None = None
        self._turn_ns = 0
        self._fitted_ns = 0
        self._line: Line = (0, 0, rate)

    def add(self, arrived_ns: int, delay_ns: int) -> bool:
        """Take a delay; whether a hull has given way to the next one."""
        turned = False
        if self._began_ns is None:
            self._began_ns, self._turn_ns = arrived_ns, arrived_ns + TURN_NS
        elif arrived_ns >= self._turn_ns:
            turned = self._turn(arrived_ns)
        self._now.add(arrived_ns, delay_ns)
        self._next.add(arrived_ns, delay_ns)
        below = delay_ns < value(self._line, arrived_ns)
        if turned or below or self._now.count == 1 or arrived_ns >= self._fitted_ns + _REFIT_NS:
            self._fit(arrived_ns)
        return turned

    def floor_ns(self, arrived_ns: int) -> float:
        """The delay that no frame arriving now can be below; needs one delay."""
        return value(self._line, arrived_ns)

    def restart(self) -> "Envelope":
        """A new one behind a jump: a clock that was set keeps its rate."""
        known = self._rate_is_known or self._age_s() > _TRUSTED_S
        return Envelope(rate=self.rate if known else 0.0, rate_is_known=known)

    @property
    def rate(self) -> float:
        """Growth of the floor, ns a ns: positive = the sensor's clock is slow."""
        return self._line[2]

    def bound_ns(self) -> float:
        """What the floor may be off by: the least queue delay among so many, and how far the hull is from a line."""
        bend = max(self._now.height_at(share, self._line) for share in _HULL_SHARES)
        return _SURE * self._now.mean_above(self._line) / self._now.count + _HULL_FACTOR * bend

    def _turn(self, arrived_ns: int) -> bool:
        self._turn_ns += ((arrived_ns - self._turn_ns) // TURN_NS + 1) * TURN_NS
        if not self._next.count:
            return False
        self._now, self._next = self._next, LowerHull()
        self._carried, self._rate_is_known = self._line[2], True
        return True

    def _fit(self, arrived_ns: int) -> None:
        self._fitted_ns = arrived_ns
        self._line = self._now.support(self._rate_now())

    def _rate_now(self) -> float:
        if self._now.span() < _LEAST_SPAN_NS:
            return self._carried
        edges = [max(-MAX_RATE, min(MAX_RATE, self._now.slope_at(share))) for share in _SHARES]
        age_s = self._age_s()
        first = age_s**2 / (age_s**2 + _DOUBT_S**2)
        weight = min(age_s / _MEMORY_S, 1.0) if self._rate_is_known else first
        return weight * sum(edges) / len(edges) + (1 - weight) * self._carried

    def _age_s(self) -> float:
        return self._now.span() / _NS
