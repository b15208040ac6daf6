"""Other libraries' voxels, from a numpy array to a numpy array. None is a dependency of Saltwell but Open3D."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saltwell.messages.camera_info import CameraInfo

Cloud = NDArray[np.float32]
Down = Callable[[Cloud], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A library: `load` imports it (ImportError = not there) and gives its way to make voxels of an edge in m."""

    name: str
    install: str
    load: Callable[[float], Down]


def numpy_unique(voxel_m: float) -> Down:
    """Sort by voxel, sum runs: exact centroids on an absolute grid."""

    def down(xyz: Cloud) -> NDArray[Any]:
        index = np.floor(xyz.astype(np.float64) / voxel_m).astype(np.int64)
        index -= index.min(axis=0)
        size = index.max(axis=0) + 1
        key = (index[:, 0] * size[1] + index[:, 1]) * size[2] + index[:, 2]
        _, where, count = np.unique(key, return_inverse=True, return_counts=True)
        sums = [np.bincount(where, xyz[:, axis]) for axis in range(3)]
        return (np.stack(sums, axis=1) / count[:, np.newaxis]).astype(np.float32)

    return down


def open3d_legacy(voxel_m: float) -> Down:
    """Centroids on a grid that begins at the smallest coordinate."""
    open3d: Any = import_module("open3d")

    def down(xyz: Cloud) -> NDArray[Any]:
        cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(xyz.astype(np.float64)))
        return np.asarray(cloud.voxel_down_sample(voxel_m).points)

    return down


def open3d_tensor(voxel_m: float) -> Down:
    """Means on an absolute grid."""
    open3d: Any = import_module("open3d")

    def down(xyz: Cloud) -> NDArray[Any]:
        cloud = open3d.t.geometry.PointCloud(open3d.core.Tensor(xyz))
        points: NDArray[Any] = cloud.voxel_down_sample(voxel_m).point.positions.numpy()
        return points

    return down


def small_gicp(voxel_m: float) -> Down:
    """Centroids."""
    library: Any = import_module("small_gicp")

    def down(xyz: Cloud) -> NDArray[Any]:
        points: NDArray[Any] = library.voxelgrid_sampling(xyz.astype(np.float64), voxel_m).points()[:, :3]
        return points

    return down


def kiss_icp(voxel_m: float) -> Down:
    """The first point of each voxel."""
    library: Any = import_module("kiss_icp.voxelization")

    def down(xyz: Cloud) -> NDArray[Any]:
        return np.asarray(library.voxel_down_sample(xyz.astype(np.float64), voxel_m))

    return down


def open3d_depth(mm: NDArray[np.uint16], camera: CameraInfo, voxel_m: float) -> Callable[[], object]:
    """A depth image to voxels, without distortion and without a filter."""
    open3d: Any = import_module("open3d")

    fx, fy, cx, cy = camera.k[[0, 4, 2, 5]]
    pinhole = open3d.camera.PinholeCameraIntrinsic(camera.width, camera.height, fx, fy, cx, cy)

    def cloud() -> object:
        image = open3d.geometry.Image(mm)
        points = open3d.geometry.PointCloud.create_from_depth_image(
            image, pinhole, depth_scale=1000.0, depth_trunc=99.0
        )
        return np.asarray(points.voxel_down_sample(voxel_m).points)

    return cloud


_OPEN3D = "pip install 'saltwell[processors]'"

PEERS = (
    Peer("numpy unique", "", numpy_unique),
    Peer("open3d legacy", _OPEN3D, open3d_legacy),
    Peer("open3d tensor", _OPEN3D, open3d_tensor),
    Peer("small_gicp", "pip install small_gicp, for this only", small_gicp),
    Peer("kiss_icp", "pip install kiss-icp, for this only", kiss_icp),
)
