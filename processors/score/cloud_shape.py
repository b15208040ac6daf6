"""How the returns of one lidar scan lie around the sensor: density, coverage by sector, histogram of ranges."""

import math
from collections.abc import Mapping
from itertools import pairwise

import numba
import numpy as np
from numpy.typing import NDArray

from processors.downsample.voxels import occupied_voxels

DENSITY = "density_per_m2"
"""Valid returns a square metre of surface seen, each occupied voxel of 10 cm standing for 0.01 m2; 0 without any."""

SECTORS: tuple[str, ...] = tuple(f"sector_{degrees:03}_coverage_share" for degrees in range(0, 360, 45))
"""Share of the nine 5-degree azimuth bins with a return, by sector of 45 degrees.

Named by where the sector begins: 0 = the x axis, counter-clockwise about z (90 = y), in the sensor's frame.
"""

RANGE_EDGES_M: tuple[float, ...] = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)

RANGES: tuple[str, ...] = (
    *(f"range_{low:.0f}_{high:.0f}_m_share" for low, high in pairwise(RANGE_EDGES_M)),
    f"range_over_{RANGE_EDGES_M[-1]:.0f}_m_share",
)
"""Share of the valid returns whose distance lies from one edge up to, not at, the next; 0 without any returns."""

METRICS: tuple[str, ...] = (DENSITY, *SECTORS, *RANGES)
"""Every name that `cloud_shape` gives, in its order."""

_VOXEL_M = 0.1
_BINS = 72
_EDGES_M = np.array(RANGE_EDGES_M[1:])


def cloud_shape(xyz: NDArray[np.float32]) -> Mapping[str, float]:
    """Metrics by name. `xyz`: (n, 3) float32, m, in the sensor's frame (z along its axis).

    A return is valid when its coordinates are finite and not all 0, as in `cloud.score_cloud`. Raises
    `UnusableCloudError` when the shape is another.
    """
    occupied = occupied_voxels(xyz, voxel_m=_VOXEL_M)
    bins, ranges = _counted(np.ascontiguousarray(xyz, dtype=np.float32), _EDGES_M)
    valid = int(ranges.sum())
    coverage = (bins.reshape(len(SECTORS), -1) > 0).mean(axis=1)
    density = valid / (occupied * _VOXEL_M**2) if occupied else 0.0
    values = (density, *coverage.tolist(), *(ranges / max(valid, 1)).tolist())
    return dict(zip(METRICS, values, strict=True))


def warm() -> None:
    """Compile the kernels, or load them from numba's cache on disk: call it before the first scan comes."""
    cloud_shape(np.ones((1, 3), dtype=np.float32))


@numba.njit(nogil=True, cache=True)
def _counted(xyz: NDArray[np.float32], edges_m: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count valid returns by azimuth bin, from the x axis on, and by range."""
    bins = np.zeros(_BINS, dtype=np.int64)
    ranges = np.zeros(len(edges_m) + 1, dtype=np.int64)
    bins_per_rad = _BINS / (2 * math.pi)
    for point in range(len(xyz)):
        x, y, z = np.float64(xyz[point, 0]), np.float64(xyz[point, 1]), np.float64(xyz[point, 2])
        range_m = math.sqrt(x * x + y * y + z * z)
        if not 0 < range_m < math.inf:
            continue
        bins[math.floor(math.atan2(y, x) * bins_per_rad) % _BINS] += 1
        interval = 0
        while interval < len(edges_m) and range_m >= edges_m[interval]:
            interval += 1
        ranges[interval] += 1
    return bins, ranges
