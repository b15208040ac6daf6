"""Faults told by how abruptly they begin or end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.judge.shifts import shifted


def wander(n: int = 180, seed: int = 0):
    """A number that strays widely, and slowly."""
    return 2 * np.sin(np.arange(n) / 15) + np.random.default_rng(seed).normal(0, 0.02, n)


def test_a_number_that_wanders_widely_is_not_shifted() -> None:
    assert not shifted(wander(), limit=0.5).any()


@pytest.mark.parametrize(("begin", "end"), [(60, 96), (0, 40), (150, 180)])
def test_a_stretch_that_begins_or_ends_at_once_is_found(begin: int, end: int) -> None:
    values = wander()
    values[begin:end] += 1
    assert np.flatnonzero(shifted(values, limit=0.5)).tolist() == list(range(begin, end))


def test_a_stretch_that_lies_lower_is_not_one_that_lies_higher() -> None:
    values = wander()
    values[60:96] -= 1
    assert not shifted(values, limit=0.5).any()
    assert shifted(-values, limit=0.5)[60:96].all()


def test_frames_that_were_not_measured_are_passed_over() -> None:
    values = 0.3 * wander()
    values[60:96] += 1
    values[::3] = np.nan
    found = shifted(values, limit=0.5)
    assert found[62:94].all()
    assert not found[:59].any()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=40))
@settings(deadline=None)
def test_any_numbers_give_an_answer(values: list[float]) -> None:
    assert len(shifted(np.array(values, dtype=np.float64), limit=0.5)) == len(values)
