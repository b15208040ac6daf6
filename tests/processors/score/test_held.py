"""Values that stand still to the last bit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.score.held import HeldScore, HeldScorer

MS = 1_000_000


def score(position, velocity, torque, *, period_ms: int = 1, block: int = 20) -> list[HeldScore]:
    times = np.arange(len(torque)) * period_ms * MS
    scorer = HeldScorer()
    cuts = [*range(0, len(torque), block), len(torque)]
    return [scorer.score(times[a:b], position[a:b], velocity[a:b], torque[a:b]) for a, b in pairwise(cuts)]


def noisy(rows: int, joints: int = 3, seed: int = 0):
    return np.random.default_rng(seed).normal(0, 1, (rows, joints))


def test_samples_with_noise_are_not_held() -> None:
    assert all(one.held_share == 0 for one in score(noisy(100), noisy(100, seed=1), noisy(100, seed=2)))


def test_a_sample_that_comes_again_is_held_across_blocks() -> None:
    position, velocity, torque = noisy(100), noisy(100, seed=1), noisy(100, seed=2)
    for column in (position, velocity, torque):
        column[30:60] = column[29]
    assert [one.held_share for one in score(position, velocity, torque)] == [0, 0.5, 1, 0, 0]


def test_torques_that_stand_while_positions_move_are_told_apart() -> None:
    torque = noisy(100, seed=2)
    torque[30:60] = torque[29]
    found = score(noisy(100), noisy(100, seed=1), torque)
    assert [one.torque_held_share for one in found] == [0, 0.5, 1, 0, 0]
    assert all(one.held_share == 0 for one in found)


@pytest.mark.parametrize(("level", "flat"), [(40.0, True), (10.0, False)])
def test_a_torque_that_stands_at_its_peak_is_flat_and_one_that_stands_lower_is_not(level: float, *, flat: bool) -> None:
    torque = noisy(200)
    torque[20, 1] = 39.0
    torque[95:146, 1] = level
    longest = max(score(noisy(200, seed=1), noisy(200, seed=2), torque), key=lambda one: one.torque_flat_ms)
    assert (longest.torque_flat_ms >= 40) == flat
    if flat:
        assert longest.torque_flat_joint == 1


def test_a_stream_without_torque_has_no_torque_metrics() -> None:
    none = np.empty((40, 0))
    first, second = score(noisy(40), none, none)
    assert np.isnan(first.torque_flat_ms)
    assert np.isnan(second.torque_held_share)
    assert second.held_share == 0


@given(st.lists(st.floats(), min_size=1, max_size=30))
@settings(deadline=None)
@pytest.mark.filterwarnings("error")
def test_any_numbers_give_a_score(values: list[float]) -> None:
    column = np.array(values)[:, np.newaxis]
    for one in score(column, column, column, block=7):
        assert 0 <= one.held_share <= 1
