"""The frames of one stream, by site time, as the timeline tells of them: a window of late ones, and what was. Pure."""

import bisect
from dataclasses import dataclass, field

from processors.synchronize.clock import ToldClock
from processors.synchronize.keeping import TimeKeeping
from processors.synchronize.policy import Policy
from processors.synchronize.seen import SeenNumbers
from saltwell.contracts.identity import StreamKind

_AGREES = 0.25
"""A nominal rate within a quarter of the measured one is kept: it does not depend on what came first."""

_FIRST_ESTIMATE = 8
_LAST_ESTIMATE = 64
_RETIRE_AT = 512
_KEPT_NS = 10_000_000_000
"""No step looks back so far, also where the anchor is silent."""


Frame = tuple[int, str, int, int, int]
"""One frame as the timeline tells of it: arrival, stream, number, stamp in site time, stamp. They sort by arrival."""


@dataclass(slots=True)
class Track:
    """Frames of a stream in order of capture, and what is known of its rate and clock."""

    name: str
    kind: StreamKind
    policy: Policy
    rate_hz: float
    times_ns: list[int] = field(default_factory=list)
    seqs: list[int] = field(default_factory=list)
    arrived_ns: list[int] = field(default_factory=list)
    captured_ns: list[int] = field(default_factory=list)
    seen: SeenNumbers = field(default_factory=SeenNumbers)
    kept: TimeKeeping = field(default_factory=TimeKeeping)
    ended: bool = False
    clock: ToldClock = field(default_factory=ToldClock)
    _period_ns: float = 0.0
    _estimate_at: int = _FIRST_ESTIMATE

    def __post_init__(self) -> None:
        """The nominal period counts until it is disproved."""
        self._period_ns = 1e9 / self.rate_hz if self.rate_hz > 0 else 0.0

    def add(self, frame: Frame, *, emitted_ns: int) -> bool:
        """Take the next frame to arrive; False when it was seen before. `emitted_ns` = time of the last step out."""
        arrived_ns, _, seq, site_ns, captured_ns = frame
        seen, times = self.seen, self.times_ns
        if not seen.add(seq):
            self.kept.duplicates += 1
            return False
        if seq != seen.last:
            self.kept.out_of_order += 1
        if site_ns <= emitted_ns:
            self.kept.late += 1
        if not times or site_ns >= times[-1]:
            times.append(site_ns)
            self.seqs.append(seq)
            self.arrived_ns.append(arrived_ns)
            self.captured_ns.append(captured_ns)
        else:
            self._insert(frame)
        if seen.count == self._estimate_at:
            self._estimate_period()
        return True

    def _insert(self, frame: Frame) -> None:
        arrived_ns, _, seq, site_ns, captured_ns = frame
        at = bisect.bisect_right(self.times_ns, site_ns)
        self.times_ns.insert(at, site_ns)
        self.seqs.insert(at, seq)
        self.arrived_ns.insert(at, arrived_ns)
        self.captured_ns.insert(at, captured_ns)

    def period_ns(self) -> float:
        """Nominal interval, or the measured one where that is another; 0 when not known."""
        return self._period_ns

    def watermark_ns(self) -> int | None:
        """Latest capture so far, site time."""
        return self.times_ns[-1] if self.times_ns else None

    def around(self, t_ns: int) -> tuple[int | None, int | None]:
        """Indexes of the last frame at or before t and of the first one after it."""
        after = bisect.bisect_right(self.times_ns, t_ns)
        return (after - 1 if after else None, after if after < len(self.times_ns) else None)

    def follows(self, before: int | None, after: int) -> bool:
        """Whether no number is missing between two neighbours; without one before: from the first number on."""
        return self.seqs[after] == (0 if before is None else self.seqs[before] + 1)

    def retire(self, before_ns: int) -> None:
        """Let go of frames that no step to come can need; what they tell of the stream stays."""
        if len(self.times_ns) >= _RETIRE_AT:
            horizon = max(before_ns, self.times_ns[-1] - _KEPT_NS)
            self._let_go(bisect.bisect_right(self.times_ns, horizon) - 1)

    def close(self) -> TimeKeeping:
        """Let go of everything; gives how the stream kept time."""
        self._let_go(len(self.times_ns))
        return self.kept

    def _let_go(self, count: int) -> None:
        """Always keeps one frame before the horizon: the one that a step behind it may hold."""
        if count <= 0:
            return
        columns = (self.times_ns, self.seqs, self.captured_ns, self.arrived_ns)
        self.kept.add(*(column[:count] for column in columns))
        for column in columns:
            del column[:count]

    def _estimate_period(self) -> None:
        gaps = sorted(b - a for a, b in zip(self.times_ns, self.times_ns[1:], strict=False))
        measured_ns = float(gaps[len(gaps) // 2]) if gaps else 0.0
        if abs(measured_ns - self._period_ns) > _AGREES * self._period_ns:
            self._period_ns = measured_ns
        self._estimate_at = _LAST_ESTIMATE
