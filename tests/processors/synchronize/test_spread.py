import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.synchronize.spread import Spread

SHARES = [0.0, 0.5, 0.95, 0.99, 1.0]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=1_500))
def test_quantiles_are_within_a_thousandth_of_a_value_that_was_there(values) -> None:
    spread = Spread()
    spread.add(values)
    near = pytest.approx
    size = float(np.abs(values).max())
    assert spread.quantiles(SHARES) == near(np.quantile(values, SHARES).tolist(), abs=1e-3 * size)
    assert spread.absolute_quantiles(SHARES) == near(np.quantile(np.abs(values), SHARES).tolist(), rel=1e-3, abs=1)


def test_nothing_gives_zero() -> None:
    assert Spread().quantiles(SHARES) == [0.0] * 5
