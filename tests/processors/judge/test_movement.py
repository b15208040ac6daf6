"""How a robot moved."""

import numpy as np
import pytest

from processors.judge.movement import log_dimensionless_jerk, sparc, speed_profile


def reach(seconds: float = 1.0, rate_hz: float = 100.0):
    """The speed of one minimum-jerk reach."""
    s = np.arange(0, 1, 1 / (seconds * rate_hz))
    return 30 * s**2 * (1 - s) ** 2 / seconds


def test_one_smooth_reach_has_the_published_arc_length() -> None:
    assert sparc(reach(), rate_hz=100) == pytest.approx(-1.41, abs=0.05)


@pytest.mark.parametrize("of", [sparc, log_dimensionless_jerk])
def test_stops_and_tremor_are_less_smooth_and_scale_is_none_of_it(of) -> None:
    smooth = of(reach(), rate_hz=100)
    in_three = of(np.concatenate([reach(1 / 3)] * 3), rate_hz=100)
    tremor = of(reach() * (1 + 0.3 * np.sin(np.arange(100) / 2)), rate_hz=100)
    assert in_three < smooth - 0.3
    assert tremor < smooth - 0.3
    assert of(7 * reach(), rate_hz=100) == pytest.approx(smooth, rel=1e-6)


def test_the_speed_comes_from_the_ways_of_uneven_blocks() -> None:
    times = np.sort(np.random.default_rng(0).integers(0, 2_000_000_000, 150))
    way = np.diff(times, prepend=times[0]) / 1e9 * 0.4
    assert speed_profile(times, way) == pytest.approx(0.4)
    assert not speed_profile(times[:1], way[:1]).size
