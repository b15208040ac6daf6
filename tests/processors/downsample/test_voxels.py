"""What `voxel_centroids` promises, against numpy, Open3D and a real scan."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from numpy.typing import NDArray

from processors.downsample import depth, deskew, voxels
from processors.downsample.voxels import INDEX_LIMIT, Crop, UnusableCloudError, Voxels, occupied_voxels, voxel_centroids
from processors.score import cloud_shape
from saltwell.errors import StopError

Cloud = NDArray[np.float32]

any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)
near_float = st.floats(-2, 2, width=32)
clouds = arrays(np.float32, st.tuples(st.integers(0, 60), st.just(3)), elements=near_float)
wild_clouds = arrays(np.float32, st.tuples(st.integers(0, 60), st.just(3)), elements=any_float)
edges = st.sampled_from([0.05, 0.1, 0.3, 1.0])


def by_numpy(xyz: Cloud, voxel_m: float) -> dict[tuple[int, int, int], tuple[NDArray[np.float64], int]]:
    """Centroid and count by voxel: sort, then sum runs."""
    with np.errstate(all="ignore"):
        index = np.floor(xyz.astype(np.float64) / voxel_m)
    inside = np.isfinite(xyz).all(axis=1) & (np.abs(index) < INDEX_LIMIT).all(axis=1) & xyz.any(axis=1)
    found, where = np.unique(index[inside].astype(np.int64), axis=0, return_inverse=True)
    count = np.bincount(where.ravel(), minlength=len(found))
    sums = np.stack([np.bincount(where.ravel(), column, len(found)) for column in xyz[inside].T], axis=1)
    return {
        (int(i), int(j), int(k)): (total / n, int(n)) for (i, j, k), total, n in zip(found, sums, count, strict=True)
    }


def in_order_of_place(result: Voxels) -> Cloud:
    rows = np.column_stack([result.xyz, result.count])
    return rows[np.lexsort(rows.T)]


def first_scan(file: Path) -> Cloud:
    with file.open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        _, _, _, message = next(iter(reader.iter_decoded_messages()))
    layout = np.dtype(
        {
            "names": ["x", "y", "z"],
            "formats": ["<f4"] * 3,
            "offsets": [0, 4, 8],
            "itemsize": message.point_step,
        }
    )
    points = np.frombuffer(bytes(message.data), layout)
    return np.stack([points["x"], points["y"], points["z"]], axis=1)


@given(wild_clouds, edges)
@settings(deadline=None)
def test_every_voxel_holds_the_mean_of_its_points_and_no_point_is_lost(xyz: Cloud, voxel_m: float) -> None:
    result = voxel_centroids(xyz, None, voxel_m=voxel_m)
    expected = by_numpy(xyz, voxel_m)
    assert len(result.count) == len(expected)
    assert int(result.count.sum()) <= result.valid == np.count_nonzero(np.isfinite(xyz).all(axis=1) & xyz.any(axis=1))
    assert occupied_voxels(xyz, voxel_m=voxel_m) == len(result.count)
    means = np.array([mean for mean, _ in expected.values()], dtype=np.float32).reshape(-1, 3)
    counts = np.array([n for _, n in expected.values()], dtype=np.int32)
    oracle = Voxels(xyz=means, intensity=None, count=counts, valid=0)
    np.testing.assert_allclose(in_order_of_place(result), in_order_of_place(oracle), rtol=1e-5, atol=1e-6)


@given(clouds, edges, st.randoms())
@settings(deadline=None)
def test_the_order_of_the_points_changes_only_the_order_of_the_voxels(xyz: Cloud, voxel_m: float, random: Any) -> None:
    shuffled = list(range(len(xyz)))
    random.shuffle(shuffled)
    one = voxel_centroids(xyz, None, voxel_m=voxel_m)
    other = voxel_centroids(xyz[shuffled], None, voxel_m=voxel_m)
    np.testing.assert_array_equal(np.sort(one.count), np.sort(other.count))
    np.testing.assert_allclose(np.sort(one.xyz, axis=0), np.sort(other.xyz, axis=0), atol=1e-6)


@given(clouds, st.integers(1, 4))
@settings(deadline=None)
def test_the_size_of_the_table_changes_nothing(xyz: Cloud, doublings: int) -> None:
    keys, _ = voxels._keys(xyz, 0.1, voxels._limits(voxels.EVERYTHING))

    def run(size: int) -> tuple[list[int], int]:
        numbers, found = voxels._numbered(keys, np.full(size, voxels._OUTSIDE), np.empty(size, np.int32))
        return numbers.tolist(), found

    size = len(voxels._table(len(xyz))[0])
    assert run(size) == run(size << doublings)


def test_voxels_that_share_a_slot_keep_apart() -> None:
    """In a table that is full to the last slot but one, most keys pass over others to find theirs."""
    keys = np.arange(63, dtype=np.uint64) << np.uint64(42)
    numbers, found = voxels._numbered(
        np.concatenate([keys, keys]), np.full(64, voxels._OUTSIDE), np.empty(64, np.int32)
    )
    assert found == 63
    assert numbers.tolist() == [*range(63), *range(63)]


def test_voxels_come_in_the_order_of_their_first_point() -> None:
    xyz = np.array([[5, 0, 0], [1, 0, 0], [5.2, 0, 0], [3, 0, 0], [1.4, 0, 0]], dtype=np.float32)
    result = voxel_centroids(xyz, None, voxel_m=1.0)
    np.testing.assert_allclose(result.xyz[:, 0], [5.1, 1.2, 3.0], rtol=1e-6)
    np.testing.assert_array_equal(result.count, [2, 2, 1])


def test_a_point_elsewhere_never_moves_a_standing_scenes_voxels() -> None:
    still = np.random.default_rng(1).uniform(-3, 3, (500, 3)).astype(np.float32)
    outlier = np.array([[-7.013, -9.177, -4.409]], dtype=np.float32)
    alone = voxel_centroids(still, None, voxel_m=0.25)
    beside = voxel_centroids(np.concatenate([still, outlier]), None, voxel_m=0.25)
    np.testing.assert_array_equal(beside.xyz[:-1], alone.xyz)


def test_both_sides_of_zero_are_voxels_of_their_own() -> None:
    xyz = np.array([[-0.01, 0, 0], [0.01, 0, 0]], dtype=np.float32)
    assert len(voxel_centroids(xyz, None, voxel_m=0.05).count) == 2


@pytest.mark.parametrize("far", [1e30, -1e30, np.inf, -np.inf, np.nan, 3e38, INDEX_LIMIT * 0.05])
def test_a_point_off_the_grid_is_counted_and_never_falls_into_anothers_voxel(far: float) -> None:
    xyz = np.array([[0.01, 0.01, 0.01], [far, 0.01, 0.01], [0.01, 0.01, far]], dtype=np.float32)
    result = voxel_centroids(xyz, None, voxel_m=0.05)
    np.testing.assert_array_equal(result.count, [1])
    assert result.valid == (3 if np.isfinite(far) else 1)


def test_the_farthest_voxels_of_the_grid_keep_apart() -> None:
    limit = float(INDEX_LIMIT - 1)
    corners = np.array(np.meshgrid([-limit, limit], [-limit, limit], [-limit, limit])).reshape(3, -1).T
    result = voxel_centroids(corners.astype(np.float32), None, voxel_m=1.0)
    np.testing.assert_array_equal(result.xyz, corners.astype(np.float32))


def test_lost_returns_that_a_driver_left_at_the_origin_make_no_voxel(recordings: Path) -> None:
    scan = first_scan(recordings / "lidar_unaligned_cdr.mcap")
    lost = int(np.count_nonzero(~scan.any(axis=1)))
    result = voxel_centroids(scan, None, voxel_m=0.05)
    assert lost > 1000
    assert (result.valid, int(result.count.sum())) == (len(scan) - lost, len(scan) - lost)


@given(wild_clouds, st.floats(0, 2), st.floats(0, 3), arrays(np.float32, 3, elements=near_float))
@settings(deadline=None)
def test_a_crop_keeps_what_numpy_keeps(xyz: Cloud, near_m: float, far_m: float, corner: Cloud) -> None:
    low, high = np.minimum(corner, 0.5), np.maximum(corner, 0.5)
    crop = Crop(tuple(low.tolist()), tuple(high.tolist()), near_m, far_m)
    wide = xyz.astype(np.float64)
    with np.errstate(all="ignore"):
        square = (wide**2).sum(axis=1)
        kept = ((wide >= low) & (wide <= high)).all(axis=1) & (square > near_m**2) & (square <= far_m**2)
    cropped = voxel_centroids(xyz, None, voxel_m=0.1, crop=crop)
    np.testing.assert_array_equal(cropped.xyz, voxel_centroids(xyz[kept], None, voxel_m=0.1).xyz)


@given(clouds, st.integers(1, 4))
@settings(deadline=None)
def test_voxels_of_too_few_points_are_left_out_whole(xyz: Cloud, min_points: int) -> None:
    every = voxel_centroids(xyz, None, voxel_m=0.3)
    some = voxel_centroids(xyz, None, voxel_m=0.3, min_points=min_points)
    np.testing.assert_array_equal(some.count, every.count[every.count >= min_points])
    np.testing.assert_array_equal(some.xyz, every.xyz[every.count >= min_points])


def test_intensity_is_the_mean_of_the_voxel_and_absent_when_the_sensor_has_none() -> None:
    xyz = np.array([[0.1, 0, 0], [0.2, 0, 0], [1.5, 0, 0]], dtype=np.float32)
    intensity = np.array([10, 30, np.nan], dtype=np.float32)
    np.testing.assert_array_equal(voxel_centroids(xyz, intensity, voxel_m=1.0).intensity, [20, np.nan])
    assert voxel_centroids(xyz, None, voxel_m=1.0).intensity is None


def test_an_empty_cloud_gives_no_voxels() -> None:
    result = voxel_centroids(np.empty((0, 3), np.float32), np.empty(0, np.float32), voxel_m=0.05)
    assert result.xyz.shape == (0, 3)
    assert result.intensity is not None
    assert (len(result.intensity), len(result.count), result.valid) == (0, 0, 0)


@pytest.mark.parametrize(
    ("xyz", "intensity"),
    [
        (np.zeros((4, 3), np.float32), np.zeros(3, np.float32)),
        (np.zeros((4, 2), np.float32), None),
        (np.zeros(12, np.float32), None),
        (np.broadcast_to(np.float32(0), (voxels.MAX_POINTS + 1, 3)), None),
    ],
)
def test_arrays_that_do_not_fit_are_a_record_to_skip(xyz: Cloud, intensity: Cloud | None) -> None:
    with pytest.raises(UnusableCloudError):
        voxel_centroids(xyz, intensity, voxel_m=0.05)


@pytest.mark.parametrize("voxel_m", [0.0, -0.05, np.nan, np.inf])
def test_an_impossible_voxel_size_stops_the_process(voxel_m: float) -> None:
    with pytest.raises(StopError, match="voxel_m"):
        voxel_centroids(np.zeros((1, 3), np.float32), None, voxel_m=voxel_m)


@pytest.mark.skipif("linux" not in sys.platform, reason="the wheel of Open3D is tried on Linux")
def test_a_real_scan_gets_the_voxels_open3d_finds_on_the_same_grid(recordings: Path) -> None:
    try:
        import open3d
    except (ImportError, OSError) as error:
        pytest.skip(f"Open3D can't be imported: {error}")
    scan = first_scan(recordings / "lidar_vlp16.mcap")
    voxel_m = 0.25  # a power of two, so that float32 and float64 agree on every edge
    cloud = open3d.t.geometry.PointCloud(open3d.core.Tensor(scan))
    oracle = cloud.voxel_down_sample(voxel_m, "mean").point.positions.numpy()
    result = voxel_centroids(scan, None, voxel_m=voxel_m)
    assert len(result.xyz) == len(oracle)
    in_grid = [np.lexsort(np.floor(points / voxel_m).T) for points in (result.xyz, oracle)]
    np.testing.assert_allclose(result.xyz[in_grid[0]], oracle[in_grid[1]], atol=1e-4)


def test_missing_returns_of_an_organised_scan_are_skipped(recordings: Path) -> None:
    scan = first_scan(recordings / "lidar_ouster_os0.mcap")
    result = voxel_centroids(scan, None, voxel_m=0.05)
    assert result.valid == int(np.count_nonzero(np.isfinite(scan).all(axis=1)))
    assert len(by_numpy(scan, 0.05)) == len(result.count)


def test_no_kernel_of_the_hot_path_holds_the_gil() -> None:
    kernels = (voxels._keys, voxels._numbered, voxels._means, depth._points, deskew._deskewed, cloud_shape._counted)
    assert all(kernel.targetoptions["nogil"] for kernel in kernels)
