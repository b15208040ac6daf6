"""The labelled faults: what is done to a stream, how strongly, and which reasons name it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.quality.takes import Samples, Take

Rng = np.random.Generator
Change = Callable[[Samples, float, float, Rng], Samples]
"""Samples of a stream, the severity, when it begins (share of the samples), a source of chance: the new samples."""

MILD, MIDDLE, SEVERE = range(3)
LEVELS = ("mild", "middle", "severe")


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault with its ladder. `codes` are the reasons that name it rightly; `needs` says which streams fit."""

    name: str
    kinds: frozenset[str]
    unit: str
    ladder: tuple[float, float, float]
    codes: frozenset[str]
    change: Change
    needs: Callable[[Samples], bool] = lambda _: True
    pair: bool = False


@dataclass(frozen=True, slots=True)
class Injected:
    """A take with one fault in it: in which streams, and from when (arrival, ns)."""

    take: Take
    streams: tuple[str, ...]
    from_ns: int


def fault(
    name: str,
    kinds: str,
    unit: str,
    ladder: tuple[float, float, float],
    codes: str,
    *,
    needs: Callable[[Samples], bool] = lambda _: True,
    pair: bool = False,
) -> Callable[[Change], Fault]:
    """Declare the decorated function as a fault; kinds and codes are words."""

    def declared(change: Change) -> Fault:
        return Fault(name, frozenset(kinds.split()), unit, ladder, frozenset(codes.split()), change, needs, pair)

    return declared


def fitting(one: Fault, take: Take) -> list[str]:
    """Streams of a take that the fault can be put into."""
    names = [name for name in take.streams(*one.kinds) if one.needs(take.samples[name])]
    return names if not one.pair or len(names) > 1 else []


def inject(one: Fault, take: Take, stream: str, level: int, rng: Rng) -> Injected:
    """Put the fault into a stream of a take, somewhere between a fifth and half of its length."""
    samples = take.samples[stream]
    begin = float(rng.uniform(0.2, 0.5))
    from_ns = samples[int(begin * len(samples))].arrived_ns
    if one.pair:
        other = next(name for name in fitting(one, take) if name != stream)
        crossed = _crossed(take, stream, other, begin, one.ladder[level])
        return Injected(take.with_streams(crossed), (stream, other), from_ns)
    changed = one.change(samples, one.ladder[level], begin, rng)
    return Injected(take.with_streams({stream: changed}), (stream,), from_ns)


def span(samples: Samples, begin: float, seconds: float) -> range:
    """Positions of the samples captured in a time that begins at a share of the stream."""
    first = int(begin * len(samples))
    until_ns = samples[first].captured_ns + int(seconds * 1e9)
    last = first
    while last < len(samples) and samples[last].captured_ns < until_ns:
        last += 1
    return range(first, max(last, first + 1))


def held(samples: Samples, rows: range) -> Samples:
    """The sample before the rows again and again, with stamps that go on."""
    changed: list[Any] = list(samples)
    for i in rows:
        stamped = samples[i]
        changed[i] = replace(samples[rows[0] - 1], captured_ns=stamped.captured_ns, arrived_ns=stamped.arrived_ns)
    return changed


def _crossed(take: Take, first: str, second: str, begin: float, seconds: float) -> dict[str, Samples]:
    """Two streams that carry each other's payload for a while."""
    a, b = list(take.samples[first]), list(take.samples[second])
    whole_a, whole_b = tuple(a), tuple(b)
    for i in span(whole_a, begin, seconds):
        if i < len(whole_b):
            a[i] = _with_content(whole_a[i], whole_b[i])
            b[i] = _with_content(whole_b[i], whole_a[i])
    return {first: a, second: b}


def _with_content(one: Any, other: Any) -> Any:
    """A sample's stamps with another's content."""
    return replace(other, stream=one.stream, captured_ns=one.captured_ns, arrived_ns=one.arrived_ns)
