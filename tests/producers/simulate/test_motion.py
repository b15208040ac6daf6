import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.simulate.motion import MinimumJerk, Sway, look_at

steps = st.lists(st.floats(0.1, 5), min_size=1, max_size=6)


@given(steps, st.integers(0, 2**32 - 1))
def test_a_path_never_leaves_the_box_of_its_waypoints(durations_s: list[float], seed: int) -> None:
    times = [0.0, *np.cumsum(durations_s)]
    values = list(np.random.default_rng(seed).uniform(-1, 1, (len(times), 3)))
    path = MinimumJerk(times, values)
    track = np.array([path.at(t) for t in np.linspace(-1, times[-1] + 1, 200)])
    assert np.all(track >= np.min(values, axis=0) - 1e-12)
    assert np.all(track <= np.max(values, axis=0) + 1e-12)


@given(st.floats(0.1, 5))
def test_speed_and_acceleration_are_zero_at_a_waypoint(duration_s: float) -> None:
    path = MinimumJerk([0.0, duration_s, 2 * duration_s], [np.zeros(1), np.ones(1), np.zeros(1)])
    h = duration_s * 1e-3
    at = [path.at(duration_s + k * h)[0] for k in (-1, 0, 1)]
    speed, acceleration = (at[2] - at[0]) / (2 * h), (at[2] - 2 * at[1] + at[0]) / h**2
    assert abs(speed) * duration_s < 1e-4
    assert abs(acceleration) * duration_s**2 < 0.1


def test_the_top_speed_is_1_875_times_the_mean() -> None:
    path = MinimumJerk([0.0, 2.0], [np.zeros(1), np.ones(1)])
    speeds = np.diff([path.at(t)[0] for t in np.linspace(0, 2, 2001)]) * 1000
    assert speeds.max() == pytest.approx(1.875 / 2, rel=1e-3)


@pytest.mark.parametrize("times", [[0.0, 0.0], [1.0, 0.5], [0.0]])
def test_waypoints_out_of_order_are_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match="strictly rising"):
        MinimumJerk(times, [np.zeros(3), np.ones(3)])


@given(st.integers(0, 2**32 - 1), st.floats(0, 60))
def test_sway_keeps_its_bound(seed: int, time_s: float) -> None:
    assert np.abs(Sway(0.004, np.random.default_rng(seed)).at(time_s)).max() <= 0.004


def test_looking_at_a_point_turns_the_eye_towards_it() -> None:
    yaw, pitch = look_at(np.array([0.0, 0.0, 1.5]), np.array([1.0, 1.0, 1.5 - np.sqrt(2)]))
    assert (yaw, pitch) == (pytest.approx(np.pi / 4), pytest.approx(np.pi / 4))
