"""What an episode's measures say to the clauses of GB/Z 218.1-2026, as far as they are known here. Pure.

China's guidance on data sets of embodied intelligence is known second-hand only (facts, section 2): five numbers, no
text. A clause that Saltwell has no number for is "not measurable", never passed in silence.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from saltwell.contracts.results import StreamLedger, StreamTiming
from saltwell.contracts.timeline import SeqRange

Outcome = Literal["pass", "fail", "not measurable"]

_SENSORS = frozenset({"color", "depth", "cloud", "joints", "pose", "imu"})
_KNOWN_LATENCY = frozenset({"calibrated", "hardware"})
_DERIVED = "derived"
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Measure:
    """One stream's ledger and timing; no timing = the synchronizer never saw it."""

    ledger: StreamLedger
    timing: StreamTiming | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: the worst stream's value against the limit. `value` None = there is no number."""

    name: str
    outcome: Outcome
    value: float | None
    limit: float
    unit: str
    stream: str
    note: str


def conformance(measures: Sequence[Measure]) -> list[Clause]:
    """All five clauses."""
    sensors = [m for m in measures if m.ledger.kind in _SENSORS]
    timed = [m for m in sensors if m.timing is not None and m.timing.count > 1]
    return [
        _measured(_judged("jitter sigma", _worst(timed, _jitter), 0.10, "of the period"), timed),
        _judged("consecutive loss", _worst(sensors, _longest_loss), 0.01, "of the frames"),
        _measured(_alignment(timed), timed),
        _judged("fields missing", _worst(timed, _missing), 0.05, "of the steps", below=True),
        Clause("motion blur", "not measurable", None, 5.0, "px", "", "sharpness is scored, its width in pixels is not"),
    ]


def _alignment(timed: Sequence[Measure]) -> Clause:
    """Skew and what the clock may be off by; of a clock whose latency nobody measured, that is not all."""
    clause = _judged("alignment", _worst(timed, _apart_ms), 1.0, "ms")
    guessed = [m.ledger.stream for m in timed if m.timing and m.timing.clock_source not in _KNOWN_LATENCY]
    if clause.outcome == "pass" and guessed:
        note = f"by their stamps; the latency of {guessed[0]} is not calibrated"
        return Clause("alignment", "not measurable", clause.value, clause.limit, clause.unit, clause.stream, note)
    return clause


def _measured(clause: Clause, timed: Sequence[Measure]) -> Clause:
    """A clause about time says nothing where stamps were made from frame numbers."""
    derived = [m.ledger.stream for m in timed if m.timing and m.timing.clock_source == _DERIVED]
    if not derived:
        return clause
    note = f"the times of {derived[0]} are frame numbers over a rate"
    return Clause(clause.name, "not measurable", None, clause.limit, clause.unit, "", note)


def _judged(name: str, worst: tuple[float, str] | None, limit: float, unit: str, *, below: bool = False) -> Clause:
    if worst is None:
        return Clause(name, "not measurable", None, limit, unit, "", "no stream has two frames")
    value, stream = worst
    holds = value < limit if below else value <= limit
    return Clause(name, "pass" if holds else "fail", value, limit, unit, stream, "")


def _worst(measures: Iterable[Measure], measure: Callable[[Measure], float]) -> tuple[float, str] | None:
    return max(((measure(m), m.ledger.stream) for m in measures), default=None)


def _jitter(one: Measure) -> float:
    return one.timing.jitter_sigma_share if one.timing else 0.0


def _apart_ms(one: Measure) -> float:
    return (one.timing.skew_max_ns + one.timing.clock_residual_ns) / _NS_PER_MS if one.timing else 0.0


def _missing(one: Measure) -> float:
    timing = one.timing
    if timing is None or not timing.required:
        return 0.0
    steps = timing.exact + timing.interpolated + timing.held + timing.missing
    return timing.missing / steps if steps else 0.0


def _longest_loss(one: Measure) -> float:
    return max(_runs(one.ledger.missing), default=0) / one.ledger.sent if one.ledger.sent else 0.0


def _runs(missing: Iterable[SeqRange]) -> Iterator[int]:
    """Lengths of runs of lost numbers, whatever the causes."""
    behind, length = -1, 0
    for lost in sorted(missing, key=lambda r: r.first):
        length = length + lost.count if lost.first == behind else lost.count
        behind = lost.first + lost.count
        yield length
