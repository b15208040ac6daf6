"""What `inliers` promises."""

import numpy as np
import pytest

from processors.downsample.library import open3d
from processors.downsample.outliers import inliers
from saltwell.errors import StopError


@pytest.fixture(autouse=True)
def _needs_open3d() -> None:
    try:
        open3d("removal of outliers")
    except StopError as error:
        pytest.skip(str(error))


def test_a_lonely_point_goes_and_a_surface_stays() -> None:
    y, z = np.meshgrid(np.arange(0, 1, 0.05), np.arange(0, 1, 0.05))
    wall = np.stack([np.ones(y.size), y.ravel(), z.ravel()], axis=1).astype(np.float32)
    lonely = np.array([[1.5, 0.5, 0.5]], np.float32)
    kept = inliers(np.concatenate([wall[:200], lonely, wall[200:]]), neighbours=8, sigmas=4.0)
    np.testing.assert_array_equal(kept, [*range(200), *range(201, 401)])


def test_the_same_cloud_keeps_the_same_points_in_order() -> None:
    xyz = np.random.default_rng(4).normal(size=(2000, 3)).astype(np.float32)
    once, again = (inliers(xyz, neighbours=20, sigmas=1.0) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert (np.diff(once) > 0).all()
    assert 1000 < len(once) < 2000


@pytest.mark.parametrize("points", [0, 1, 8])
def test_a_cloud_of_no_more_points_than_neighbours_stays(points: int) -> None:
    xyz = np.random.default_rng(4).normal(size=(points, 3)).astype(np.float32)
    assert inliers(xyz, neighbours=8, sigmas=0.1).tolist() == list(range(points))
