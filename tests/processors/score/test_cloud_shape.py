"""What the numbers about a scan's shape mean."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from processors.score.cloud_shape import DENSITY, METRICS, RANGE_EDGES_M, RANGES, SECTORS, cloud_shape

Cloud = NDArray[np.float32]
any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)


def ring(degrees: NDArray[np.float64], radius_m: float = 5.0) -> Cloud:
    angles = np.radians(degrees)
    return np.stack([radius_m * np.cos(angles), radius_m * np.sin(angles), 0 * angles], axis=1).astype(np.float32)


def test_a_full_ring_covers_every_sector() -> None:
    assert [cloud_shape(ring(np.arange(0.5, 360)))[name] for name in SECTORS] == [1.0] * 8


@pytest.mark.parametrize("sector", range(8))
def test_what_covers_a_part_of_one_sector_lowers_that_sector_only(sector: int) -> None:
    degrees = np.arange(0.5, 360)
    hidden = (degrees >= 45 * sector + 10) & (degrees < 45 * sector + 25)
    shape = cloud_shape(ring(degrees[~hidden]))
    expected = {name: 6 / 9 if n == sector else 1.0 for n, name in enumerate(SECTORS)}
    assert {name: shape[name] for name in SECTORS} == pytest.approx(expected)


def test_ranges_fall_into_the_interval_that_begins_at_or_below_them() -> None:
    ranges_m = np.array([0.5, 1, 1.9, 2, 5, 19.99, 20, 50, 400])
    cloud = np.stack([ranges_m, 0 * ranges_m, 0 * ranges_m], axis=1).astype(np.float32)
    shape = cloud_shape(cloud)
    assert [round(9 * shape[name]) for name in RANGES] == [1, 2, 1, 1, 1, 1, 2]
    assert len(RANGES) == len(RANGE_EDGES_M)


def test_half_the_returns_of_the_same_surfaces_are_half_the_density() -> None:
    y, z = np.meshgrid(np.arange(0.005, 2, 0.01), np.arange(0.005, 2, 0.01))
    wall = np.stack([np.full(y.size, 3.05), y.ravel(), z.ravel()], axis=1).astype(np.float32)
    assert cloud_shape(wall)[DENSITY] == pytest.approx(10_000)
    assert cloud_shape(wall[::2])[DENSITY] == pytest.approx(5_000)


def test_lost_returns_do_not_count(messages: Callable[[str, str], list[Any]]) -> None:
    (scan,) = messages("lidar_ouster_os0", "/lidar/points")
    rows = np.frombuffer(bytes(scan.data), np.uint8).reshape(-1, scan.point_step)
    xyz = np.ascontiguousarray(rows[:, :12]).view("<f4")
    returned = xyz[np.isfinite(xyz).all(axis=1)]
    assert len(returned) < 0.8 * len(xyz)
    assert cloud_shape(xyz) == cloud_shape(np.vstack([returned, np.zeros((9, 3), np.float32)]))


@given(arrays(np.float32, st.tuples(st.integers(0, 40), st.just(3)), elements=any_float))
@settings(deadline=None)
def test_any_cloud_gives_every_metric_as_a_number(xyz: Cloud) -> None:
    shape = cloud_shape(xyz)
    assert tuple(shape) == METRICS
    assert all(math.isfinite(value) for value in shape.values())
    assert all(0 <= shape[name] <= 1 for name in (*SECTORS, *RANGES))
