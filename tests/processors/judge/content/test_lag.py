import numpy as np
import pytest

from processors.judge.content.lag import Lags, explained_by_all, explained_one_by_one
from processors.judge.content.signals import GRID_S

TIMES_S = np.arange(0, 12, GRID_S)
LAGS = Lags.between(-0.4, 0.4)


@pytest.mark.parametrize("lag_s", [-0.31, -0.05, 0.0, 0.007, 0.12, 0.333])
def test_a_lag_between_two_steps_of_the_grid_is_found(smooth, lag_s):
    first, second = smooth(TIMES_S, 1, seed=1), smooth(TIMES_S - lag_s, 1, seed=1)

    (lag,) = explained_one_by_one(first, second, LAGS)

    assert lag.lag_s == pytest.approx(lag_s, abs=0.001)
    assert lag.inside
    assert lag.explained > 0.99


def test_a_mixture_of_joints_is_found_in_noise(smooth):
    rng = np.random.default_rng(5)
    speeds = smooth(TIMES_S, 8, seed=2)
    seen = smooth(TIMES_S - 0.083, 8, seed=2) @ rng.normal(size=(8, 4))
    seen += rng.normal(0, 0.2 * seen.std(), seen.shape)

    lag = explained_by_all(speeds, seen, LAGS)

    assert lag.lag_s == pytest.approx(0.083, abs=0.003)
    assert abs(lag.lag_s - 0.083) <= lag.error_s <= 0.01
    assert lag.distinct > 0.5


def test_what_has_nothing_to_do_with_each_other_is_never_distinct_and_certain(smooth):
    for seed in range(10):
        lag = explained_by_all(smooth(TIMES_S, 4, seed=seed), smooth(TIMES_S, 4, seed=seed + 100), LAGS)
        assert not lag.inside or lag.distinct < 0.5 or lag.error_s > 0.01


def test_what_runs_against_each_other_does_not_correlate(smooth):
    first = smooth(TIMES_S, 1, seed=1)

    (lag,) = explained_one_by_one(first, -first, Lags.between(-0.1, 0.1))

    assert lag.explained < 0.5


def test_a_lag_beyond_those_tried_is_not_inside(smooth):
    (lag,) = explained_one_by_one(smooth(TIMES_S, 1, seed=1), smooth(TIMES_S - 0.5, 1, seed=1), LAGS)

    assert not lag.inside


def test_a_clock_that_jumps_in_the_middle_widens_the_bound(smooth):
    middle = len(TIMES_S) // 2
    shifted = np.concatenate([TIMES_S[:middle], TIMES_S[middle:] - 0.1])
    first = smooth(TIMES_S, 1, seed=1)

    (steady,) = explained_one_by_one(first, smooth(TIMES_S, 1, seed=1), LAGS)
    (jumped,) = explained_one_by_one(first, smooth(shifted, 1, seed=1), LAGS)

    assert steady.error_s < 0.005
    assert jumped.error_s > 0.03


def test_unknown_rows_are_left_out(smooth):
    first, second = smooth(TIMES_S, 1, seed=1), smooth(TIMES_S - 0.1, 1, seed=1)
    first[100:110] = np.nan
    second[300:320] = np.nan

    (lag,) = explained_one_by_one(first, second, LAGS)

    assert lag.lag_s == pytest.approx(0.1, abs=0.001)


def test_too_little_says_nothing(smooth):
    short = smooth(TIMES_S[:100], 2, seed=1)

    assert explained_by_all(short, short, LAGS) is None
    assert explained_one_by_one(short, short, LAGS) == []
