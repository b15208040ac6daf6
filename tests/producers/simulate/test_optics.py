from typing import Any

import mujoco
import numpy as np
import pytest

from producers.simulate.optics import COLUMNS, LOST_SHARE, RINGS, Optics


@pytest.fixture
def turn(our_model: Any) -> Any:
    data = mujoco.MjData(our_model)
    mujoco.mj_forward(our_model, data)
    return Optics(our_model, site="torso_lidar", rng=np.random.default_rng(0)).fire(data, 0, COLUMNS)


def test_every_sector_and_nearly_every_ray_returns(turn: Any) -> None:
    azimuth = np.degrees(np.arctan2(turn.points_m[:, 1], turn.points_m[:, 0]))
    counts, _ = np.histogram(azimuth, bins=24, range=(-180, 180))
    assert counts.min() > 0.5 * RINGS * COLUMNS / 24
    assert len(azimuth) > (0.9 - LOST_SHARE) * RINGS * COLUMNS


def test_the_walls_stand_where_the_model_puts_them(turn: Any) -> None:
    flat = turn.points_m[np.abs(turn.points_m[:, 2]) < 0.3]
    behind = flat[(np.abs(flat[:, 1]) < 1) & (flat[:, 0] < -1)]
    assert np.median(behind[:, 0]) == pytest.approx(-2 + 0.13, abs=0.01)  # the sensor is at x = -0.13


def test_columns_are_numbered_in_the_order_of_firing(turn: Any) -> None:
    assert np.all(np.diff(turn.column) >= 0)
    assert turn.column[0] < 3
    assert turn.column[-1] > COLUMNS - 4
