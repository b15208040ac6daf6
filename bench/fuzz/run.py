"""Feeds one parser, and keeps what it may not do: raise anything else, take for ever, eat memory, end the process."""

import math
import multiprocessing
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from bench.fuzz.mutate import mutated
from bench.fuzz.parsers import Parser

SLOW_S = 1.0
"""CPU time that no input may take."""

MOST_GROWN_BYTES = 256 * 1024**2
"""Memory that all inputs together may take: none is larger than a few kilobytes."""

_MEMORY_BYTES = 4 * 1024**3
_KEPT = 5
_KIB = 1024
_MB = 1_000_000


@dataclass(slots=True)
class Outcome:
    """What became of the inputs of one parser.

    `odd` are the kinds of failure with the inputs that showed them first; `grown_bytes` is how much larger the
    process was at its peak than before the first input.
    """

    parser: str
    inputs: int = 0
    taken: int = 0
    refused: int = 0
    failed: int = 0
    slowest_s: float = 0.0
    grown_bytes: int = 0
    odd: dict[str, bytes] = field(default_factory=dict)


def inputs(parser: Parser, *, seed: int, count: int) -> Iterator[bytes]:
    """The same inputs for the same seed: first the good ones as they are."""
    rng = Random(f"{seed} {parser.name}")  # noqa: S311 - no secret
    for number in range(count):
        yield parser.seeds[number] if number < len(parser.seeds) else mutated(rng, parser.seeds)


def feed(parser: Parser, data: Iterator[bytes], outcome: Outcome) -> None:
    """Parse each; what is unexpected is kept."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for one in data:
        began_s = time.process_time()
        outcome.inputs += 1
        try:
            parser.parse(one)
            outcome.taken += 1
        except parser.refused as error:
            outcome.refused += 1
            if "\n" in str(error):
                _keep(outcome, "a message of several lines", one)
        except BaseException as error:  # noqa: BLE001 - this is what is looked for
            outcome.failed += 1
            _keep(outcome, f"{type(error).__name__}: {error}"[:200], one)
        took_s = time.process_time() - began_s
        outcome.slowest_s = max(outcome.slowest_s, took_s)
        if took_s > SLOW_S:
            outcome.failed += 1
            _keep(outcome, f"took {took_s:.1f} s", one)
        grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib) * _KIB
        if grown_bytes > MOST_GROWN_BYTES >= outcome.grown_bytes:
            outcome.failed += 1
            _keep(outcome, f"the process grew to {grown_bytes / _MB:.0f} MB", one)
        outcome.grown_bytes = grown_bytes


def _keep(outcome: Outcome, what: str, data: bytes) -> None:
    if len(outcome.odd) < _KEPT:
        outcome.odd.setdefault(what, data)


def run(parsers: Sequence[Parser], *, seed: int, count: int, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Feed about `count` inputs to all parsers, each in a process of its own, and tell of each as it ends."""
    total = sum(parser.weight for parser in parsers)
    outcomes = []
    for parser in parsers:
        share = max(len(parser.seeds) + 1, math.ceil(count * parser.weight / total))
        outcomes.append(apart(parser, seed=seed, count=share))
        tell(outcomes[-1])
    return outcomes


def apart(parser: Parser, *, seed: int, count: int) -> Outcome:
    """Feed a parser in a process of its own; when that dies, its last input is in the outcome."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    progress = context.Value("q", 0, lock=False)
    child = context.Process(target=_child, args=(parser, seed, count, writer, progress))
    child.start()
    writer.close()
    try:
        outcome: Outcome = reader.recv()
    except EOFError:
        outcome = Outcome(parser.name, inputs=progress.value, failed=1)
    child.join()
    if child.exitcode:
        last = list(inputs(parser, seed=seed, count=progress.value))[-1]
        _keep(outcome, f"the process ended: {_ending(child.exitcode)}", last)
    return outcome


def _child(parser: Parser, seed: int, count: int, writer: Connection, progress: Any) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries complain there of every single input
    most_bytes = _mapped_bytes() + _MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    outcome = Outcome(parser.name)

    def counted() -> Iterator[bytes]:
        for data in inputs(parser, seed=seed, count=count):
            progress.value += 1
            yield data

    feed(parser, counted(), outcome)
    writer.send(outcome)


def _mapped_bytes() -> int:
    """Of address space: what this process has from the one it was forked from is not the parser's."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def _ending(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def keep_odd(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write the inputs that showed something to files."""
    for outcome in outcomes:
        for number, data in enumerate(outcome.odd.values()):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{outcome.parser.replace(' ', '-').replace(',', '')}-{number}.bin").write_bytes(data)
