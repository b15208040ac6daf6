"""The fuzz command: that it finds what it looks for, and a small number of inputs in every run of the tests."""

import os
import signal
import time
from pathlib import Path

import pytest

from bench.fuzz.parsers import Parser, parsers
from bench.fuzz.run import SLOW_S, apart, inputs, run
from saltwell.errors import SkipRecordError, StopError

SEEDS = [b"good one", b"good two"]
INPUTS = 3_000


def parse(data: bytes) -> bytes:
    if not data.startswith(b"good"):
        raise SkipRecordError("not good")
    return data


def test_every_parser_takes_its_good_inputs_and_refuses_bad_ones_by_name(tmp_path: Path) -> None:
    outcomes = run(parsers(tmp_path), seed=20, count=INPUTS, tell=lambda _: None)

    assert [(outcome.parser, what) for outcome in outcomes for what in outcome.odd] == []
    assert sum(outcome.inputs for outcome in outcomes) >= INPUTS
    for outcome, parser in zip(outcomes, parsers(tmp_path), strict=True):
        assert outcome.taken >= len(parser.seeds), f"{parser.name} refuses good inputs"


def test_the_same_seed_gives_the_same_inputs() -> None:
    parser = Parser("a parser", SEEDS, parse)

    assert [*inputs(parser, seed=1, count=200)] == [*inputs(parser, seed=1, count=200)]
    assert [*inputs(parser, seed=1, count=200)] != [*inputs(parser, seed=2, count=200)]
    assert [*inputs(parser, seed=1, count=2)] == SEEDS


def test_outcomes_are_counted() -> None:
    outcome = apart(Parser("a parser", SEEDS, parse), seed=1, count=300)

    assert outcome.inputs == outcome.taken + outcome.refused == 300
    assert outcome.taken > 2
    assert outcome.refused > 2
    assert not outcome.odd


def bad_error(data: bytes) -> None:
    if data not in SEEDS:
        raise KeyError(data[:1])


def several_lines(data: bytes) -> None:
    if data not in SEEDS:
        raise StopError("line\nline")


def slow(data: bytes) -> None:
    if data not in SEEDS:
        began_s = time.process_time()
        while time.process_time() - began_s < 1.1 * SLOW_S:
            pass


def greedy(data: bytes) -> None:
    if data not in SEEDS:
        bytearray(b"\1" * 2**29)


def deadly(data: bytes) -> None:
    if data not in SEEDS:
        os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (bad_error, "KeyError: "),
        (several_lines, "a message of several lines"),
        (slow, "took 1."),
        (greedy, "the process grew to "),
        (deadly, "the process ended: SIGSEGV"),
    ],
)
def test_what_a_parser_may_not_do_is_found_with_the_input_that_shows_it(bad, what: str) -> None:
    outcome = apart(Parser("a parser", SEEDS, bad, StopError), seed=1, count=3)

    [data] = [data for found, data in outcome.odd.items() if found.startswith(what)]  # on a busy machine it is slow too
    assert data == [*inputs(Parser("a parser", SEEDS, bad), seed=1, count=3)][2]
