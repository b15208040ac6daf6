"""What `farthest_points` promises."""

import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from processors.downsample.farthest import farthest_points
from processors.downsample.library import open3d
from saltwell.errors import StopError

Cloud = NDArray[np.float32]


@pytest.fixture(autouse=True)
def _needs_open3d(request: pytest.FixtureRequest) -> None:
    if "without_open3d" in request.node.name:
        return
    try:
        open3d("farthest-point sampling")
    except StopError as error:
        pytest.skip(str(error))


def by_the_book(xyz: Cloud, count: int) -> list[int]:
    """Greedy choice by the definition, from point 0."""
    chosen = [0]
    distance = ((xyz - xyz[0]) ** 2).sum(axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((xyz - xyz[chosen[-1]]) ** 2).sum(axis=1))
    return sorted(chosen)


def test_each_point_is_the_farthest_from_those_before_it() -> None:
    xyz = np.random.default_rng(3).normal(size=(300, 3)).astype(np.float32)
    assert farthest_points(xyz, count=20).tolist() == by_the_book(xyz.astype(np.float64), 20)


def test_the_same_cloud_gives_the_same_points() -> None:
    xyz = np.random.default_rng(4).normal(size=(2000, 3)).astype(np.float32)
    assert farthest_points(xyz, count=64).tolist() == farthest_points(xyz.copy(), count=64).tolist()


def test_a_point_that_is_not_finite_is_never_chosen() -> None:
    xyz = np.random.default_rng(5).normal(size=(40, 3)).astype(np.float32)
    xyz[[0, 7, 21], [0, 1, 2]] = [np.nan, np.inf, -np.inf]
    chosen = farthest_points(xyz, count=30)
    assert len(chosen) == 30
    assert np.isfinite(xyz[chosen]).all()


@pytest.mark.parametrize("count", [3, 50])
def test_nothing_is_repeated_to_fill_up(count: int) -> None:
    xyz = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [np.nan, 0, 0], [1, 0, 0]], dtype=np.float32)
    assert farthest_points(xyz, count=count).tolist() == [0, 2]


def test_an_empty_cloud_gives_no_points() -> None:
    assert farthest_points(np.empty((0, 3), np.float32), count=8).tolist() == []


def test_an_impossible_count_stops_the_process() -> None:
    with pytest.raises(StopError, match="count is 0"):
        farthest_points(np.zeros((4, 3), np.float32), count=0)


def test_without_open3d_the_process_stops_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(StopError, match=r"libusb-1\.0-0"):
        open3d("farthest-point sampling")
