"""One point per voxel: the exact centroid of what fell into it.

The grid is absolute: voxel (i, j, k) holds the points with floor(coordinate / voxel_m) == (i, j, k), so what
stands still keeps its voxels from scan to scan. (A grid that starts at the scan's smallest coordinate moves
with every outlier.)

The kernel is an open-addressing hash table (linear probing, at most half full) that numba compiles; it
releases the GIL, so Kafka polling goes on beside it.
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from saltwell.errors import SkipRecordError, StopError

MAX_POINTS = 1 << 22
"""The largest cloud taken (a 128-beam scan of 2,048 columns has 1 << 18): bounds the memory."""

INDEX_LIMIT = 1 << 20
"""Voxel indices lie in (-INDEX_LIMIT, INDEX_LIMIT), so three fit a 64-bit key: +-52 km at 5 cm."""

_INDEX_BITS = np.uint64(21)
_OUTSIDE = np.uint64(2**64 - 1)
_NO_INTENSITY = np.empty(0, dtype=np.float32)


class UnusableCloudError(SkipRecordError):
    """A cloud whose arrays don't fit together, or that is larger than any sensor's."""


@dataclass(frozen=True, slots=True)
class Voxels:
    """What `voxel_centroids` returns: m voxels in the order in which their first point came.

    `xyz`: (m, 3) float32, centroids in metres, in the frame of reference of the input.
    `intensity`: (m,) float32, mean intensity in the sensor's own unit, or None when the input had none; NaN
    where one of the voxel's points had no intensity.
    `count`: (m,) int32, points per voxel, at least 1.
    `skipped`: how many points are in no voxel, because a coordinate was not finite or too far for the grid.
    """

    xyz: NDArray[np.float32]
    intensity: NDArray[np.float32] | None
    count: NDArray[np.int32]
    skipped: int


def voxel_centroids(xyz: NDArray[np.float32], intensity: NDArray[np.float32] | None, *, voxel_m: float) -> Voxels:
    """Reduce a cloud to one centroid per occupied voxel.

    `xyz`: (n, 3) float32, metres. `intensity`: (n,) float32, or None. `voxel_m`: edge of a voxel in metres.
    Sums are float64: another order of the points changes a centroid by rounding only.

    Raises `UnusableCloudError` when the shapes don't fit or there are more than `MAX_POINTS` points, and
    `StopError` when `voxel_m` is not a positive number.
    """
    _check(xyz, intensity, voxel_m=voxel_m)
    sums, count = _accumulate(
        np.ascontiguousarray(xyz, dtype=np.float32),
        _NO_INTENSITY if intensity is None else np.ascontiguousarray(intensity, dtype=np.float32),
        float(voxel_m),
        np.full(_table_size(len(xyz)), -1, dtype=np.int32),
    )
    means = (sums / count[:, np.newaxis]).astype(np.float32)
    return Voxels(
        xyz=np.ascontiguousarray(means[:, :3]),
        intensity=None if intensity is None else np.ascontiguousarray(means[:, 3]),
        count=count,
        skipped=len(xyz) - int(count.sum()),
    )


def warm() -> None:
    """Compile the kernel, or load it from numba's cache on disk: call it before the first cloud comes."""
    voxel_centroids(np.zeros((1, 3), dtype=np.float32), None, voxel_m=1.0)


def _check(xyz: NDArray[np.float32], intensity: NDArray[np.float32] | None, *, voxel_m: float) -> None:
    if not (math.isfinite(voxel_m) and voxel_m > 0):
        raise StopError(f"voxel_m is {voxel_m}; give the edge of a voxel as a positive number of metres")
    if xyz.ndim != 2 or xyz.shape[1] != 3:  # noqa: PLR2004  # x, y, z
        raise UnusableCloudError(f"cloud of shape {xyz.shape} instead of (n, 3)")
    if len(xyz) > MAX_POINTS:
        raise UnusableCloudError(f"cloud of {len(xyz)} points; at most {MAX_POINTS} are taken")
    if intensity is not None and intensity.shape != (len(xyz),):
        raise UnusableCloudError(f"intensity of shape {intensity.shape} beside {len(xyz)} points")


def _table_size(points: int) -> int:
    """Return the smallest power of two that leaves the table at most half full."""
    return 1 << max(1, 2 * points - 1).bit_length()


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _voxel_key(x: float, y: float, z: float, voxel_m: float) -> np.uint64:
    """Pack the three voxel indices into a key of their own, or return `_OUTSIDE`."""
    i, j, k = np.floor(x / voxel_m), np.floor(y / voxel_m), np.floor(z / voxel_m)
    if not (abs(i) < INDEX_LIMIT and abs(j) < INDEX_LIMIT and abs(k) < INDEX_LIMIT):  # NaN fails this too
        return _OUTSIDE
    key = np.uint64(i + INDEX_LIMIT) << _INDEX_BITS | np.uint64(j + INDEX_LIMIT)
    return key << _INDEX_BITS | np.uint64(k + INDEX_LIMIT)


@numba.njit(nogil=True, cache=True)
def _mixed(key: np.uint64) -> np.uint64:
    """Spread a key over all bits (MurmurHash3's finaliser): neighbouring voxels have similar keys."""
    key ^= key >> np.uint64(33)
    key *= np.uint64(0xFF51AFD7ED558CCD)
    key ^= key >> np.uint64(33)
    key *= np.uint64(0xC4CEB9FE1A85EC53)
    return key ^ (key >> np.uint64(33))


@numba.njit(nogil=True, cache=True)
def _slot_of(key: np.uint64, table: NDArray[np.int32], keys: NDArray[np.uint64]) -> np.uint64:
    """Return the slot that holds the key's voxel, or the free slot where it belongs."""
    mask = np.uint64(len(table) - 1)
    slot = _mixed(key) & mask
    while table[slot] >= 0 and keys[table[slot]] != key:
        slot = (slot + np.uint64(1)) & mask
    return slot


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _accumulate(
    xyz: NDArray[np.float32], intensity: NDArray[np.float32], voxel_m: float, table: NDArray[np.int32]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Sum x, y, z and intensity per voxel; `table` is all -1 and at least twice as long as the cloud."""
    sums = np.empty((len(xyz), 4), dtype=np.float64)
    count = np.empty(len(xyz), dtype=np.int32)
    keys = np.empty(len(xyz), dtype=np.uint64)
    voxels = 0
    for point in range(len(xyz)):
        x, y, z = np.float64(xyz[point, 0]), np.float64(xyz[point, 1]), np.float64(xyz[point, 2])
        key = _voxel_key(x, y, z, voxel_m)
        if key == _OUTSIDE:
            continue
        slot = _slot_of(key, table, keys)
        if table[slot] < 0:
            table[slot] = voxels
            keys[voxels] = key
            sums[voxels] = 0.0
            count[voxels] = 0
            voxels += 1
        voxel = table[slot]
        count[voxel] += 1
        sums[voxel, 0] += x
        sums[voxel, 1] += y
        sums[voxel, 2] += z
        if len(intensity) > 0:
            sums[voxel, 3] += intensity[point]
    return sums[:voxels], count[:voxels]
