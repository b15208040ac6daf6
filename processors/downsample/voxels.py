"""One point per voxel: the exact centroid of what fell into it.

The grid is absolute: voxel (i, j, k) holds the points with floor(coordinate / voxel_m) == (i, j, k), so what
stands still keeps its voxels from scan to scan. (A grid that starts at the scan's smallest coordinate moves
with every outlier.)

Three passes, compiled by numba: a key for every point (vector code), a number for every new key (an open-addressing
hash table, linear probing, at most half full), sums. They release the GIL, so Kafka polling goes on beside them.
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
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_NO_INTENSITY = np.empty(0, dtype=np.float32)
_NO_LIMIT = (math.inf, math.inf, math.inf)

Point = tuple[float, float, float]


class UnusableCloudError(SkipRecordError):
    """A cloud whose arrays don't fit together, or that is larger than any sensor's."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Which points count, by place in the cloud's own frame of reference, m.

    Inside the box (both sides included), and farther than `near_m` up to `far_m` from the origin. So a point at the
    origin never counts: drivers put lost returns there.
    """

    box_min_m: Point = (-math.inf, -math.inf, -math.inf)
    box_max_m: Point = _NO_LIMIT
    near_m: float = 0.0
    far_m: float = math.inf


EVERYTHING = Crop()


@dataclass(frozen=True, slots=True)
class Voxels:
    """What `voxel_centroids` returns: m voxels in the order in which their first point came.

    `xyz`: (m, 3) float32, centroids in metres, in the frame of reference of the input.
    `intensity`: (m,) float32, mean intensity in the sensor's own unit, or None when the input had none; NaN
    where one of the voxel's points had no intensity.
    `count`: (m,) int32, points per voxel, at least 1.
    `valid`: points of the input with finite coordinates that are not all 0.
    """

    xyz: NDArray[np.float32]
    intensity: NDArray[np.float32] | None
    count: NDArray[np.int32]
    valid: int


def voxel_centroids(
    xyz: NDArray[np.float32],
    intensity: NDArray[np.float32] | None,
    *,
    voxel_m: float,
    crop: Crop = EVERYTHING,
    min_points: int = 1,
) -> Voxels:
    """Reduce a cloud to one centroid per occupied voxel.

    `xyz`: (n, 3) float32, metres. `intensity`: (n,) float32, or None. `voxel_m`: edge of a voxel in metres.
    A point whose coordinates are not finite or too far for the grid is in no voxel; voxels of fewer than
    `min_points` points are left out. Sums are float64: another order of the points changes a centroid by rounding only.

    Raises `UnusableCloudError` when the shapes don't fit or there are more than `MAX_POINTS` points, and
    `StopError` when `voxel_m` is not a positive number.
    """
    _check(xyz, intensity, voxel_m=voxel_m)
    points = np.ascontiguousarray(xyz, dtype=np.float32)
    strength = _NO_INTENSITY if intensity is None else np.ascontiguousarray(intensity, dtype=np.float32)
    keys, valid = _keys(points, float(voxel_m), _limits(crop))
    voxel, voxels = _numbered(keys, *_table(len(points)))
    centroids, means, count = _means(points, strength, voxel, voxels, min_points)
    return Voxels(centroids, None if intensity is None else means, count, valid)


def occupied_voxels(xyz: NDArray[np.float32], *, voxel_m: float) -> int:
    """How many voxels hold a point; arguments and errors as above."""
    _check(xyz, None, voxel_m=voxel_m)
    keys, _ = _keys(np.ascontiguousarray(xyz, dtype=np.float32), float(voxel_m), _limits(EVERYTHING))
    return int(_numbered(keys, *_table(len(keys)))[1])


def warm() -> None:
    """Compile the kernels, or load them from numba's cache on disk: call it before the first cloud comes."""
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


def _limits(crop: Crop) -> NDArray[np.float64]:
    """The crop as a kernel takes it: least and greatest x, y, z, then squares of the distances."""
    return np.array([*crop.box_min_m, *crop.box_max_m, crop.near_m**2, crop.far_m**2], dtype=np.float64)


def _table(points: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Keys (all free) and numbers of a hash table, its size the power of two that leaves it at most half full."""
    size = 1 << max(1, 2 * points - 1).bit_length()
    return np.full(size, _OUTSIDE), np.empty(size, dtype=np.int32)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _keys(xyz: NDArray[np.float32], voxel_m: float, limits: NDArray[np.float64]) -> tuple[NDArray[np.uint64], int]:
    """Pack each point's three voxel indices into a key of their own, or `_OUTSIDE`; also count valid points."""
    keys = np.empty(len(xyz), dtype=np.uint64)
    valid = 0
    for point in range(len(xyz)):
        x, y, z = np.float64(xyz[point, 0]), np.float64(xyz[point, 1]), np.float64(xyz[point, 2])
        i, j, k = np.floor(x / voxel_m), np.floor(y / voxel_m), np.floor(z / voxel_m)
        square = x * x + y * y + z * z  # neither overflows nor vanishes: the inputs are float32
        valid += int((square > 0) & (square < np.inf))
        # NaN fails every comparison.
        in_box = (x >= limits[0]) & (y >= limits[1]) & (z >= limits[2])
        in_box &= (x <= limits[3]) & (y <= limits[4]) & (z <= limits[5])
        in_reach = (square > limits[6]) & (square <= limits[7])
        on_grid = (abs(i) < INDEX_LIMIT) & (abs(j) < INDEX_LIMIT) & (abs(k) < INDEX_LIMIT)
        if in_box & in_reach & on_grid:
            key = np.uint64(i + INDEX_LIMIT) << _INDEX_BITS | np.uint64(j + INDEX_LIMIT)
            keys[point] = key << _INDEX_BITS | np.uint64(k + INDEX_LIMIT)
        else:
            keys[point] = _OUTSIDE
    return keys, valid


@numba.njit(nogil=True, cache=True)
def _numbered(
    keys: NDArray[np.uint64], table: NDArray[np.uint64], numbers: NDArray[np.int32]
) -> tuple[NDArray[np.int32], int]:
    """Give each point the number of its voxel, -1 = none, in order of first points; also how many voxels there are.

    A point mostly falls into the voxel of the point before it: then the table is not asked. The slot is the
    high bits of a product with 2^64 / golden ratio (Knuth, The Art of Computer Programming 3, 6.4).
    """
    voxel = np.empty(len(keys), dtype=np.int32)
    mask, shift = np.uint64(len(table) - 1), np.uint64(65)
    rest = len(table)
    while rest > 0:
        rest >>= 1
        shift -= np.uint64(1)
    found = 0
    before, number = _OUTSIDE, np.int32(-1)
    for point in range(len(keys)):
        key = keys[point]
        if key != before:
            before, number = key, np.int32(-1)
            if key != _OUTSIDE:
                slot = (key * _GOLDEN) >> shift
                while table[slot] != key and table[slot] != _OUTSIDE:
                    slot = (slot + np.uint64(1)) & mask
                if table[slot] == _OUTSIDE:
                    table[slot] = key
                    numbers[slot] = found
                    found += 1
                number = numbers[slot]
        voxel[point] = number
    return voxel, found


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _means(
    xyz: NDArray[np.float32], intensity: NDArray[np.float32], voxel: NDArray[np.int32], voxels: int, min_points: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Average x, y, z and intensity per voxel, of those with enough points."""
    sums = np.zeros((voxels, 4), dtype=np.float64)
    count = np.zeros(voxels, dtype=np.int32)
    has_intensity = len(intensity) > 0
    for point in range(len(xyz)):
        v = voxel[point]
        if v >= 0:
            count[v] += 1
            sums[v, 0] += xyz[point, 0]
            sums[v, 1] += xyz[point, 1]
            sums[v, 2] += xyz[point, 2]
            if has_intensity:
                sums[v, 3] += intensity[point]
    kept = 0
    for v in range(voxels):
        if count[v] >= min_points:
            kept += 1
    centroids = np.empty((kept, 3), dtype=np.float32)
    strength = np.empty(kept if has_intensity else 0, dtype=np.float32)
    counts = np.empty(kept, dtype=np.int32)
    out = 0
    for v in range(voxels):
        if count[v] >= min_points:
            for axis in range(3):
                centroids[out, axis] = sums[v, axis] / count[v]
            if has_intensity:
                strength[out] = sums[v, 3] / count[v]
            counts[out] = count[v]
            out += 1
    return centroids, strength, counts
