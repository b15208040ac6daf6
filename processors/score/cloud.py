"""Numbers about one lidar scan."""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from processors.score.digest import content_digest
from saltwell.errors import SkipRecordError

METRICS: tuple[str, ...] = ("points", "valid_returns", "empty_sector_deg", "range_p50_m", "range_p95_m")

_BIN_DEG = 5
_BINS = 360 // _BIN_DEG


class UnusableCloudError(SkipRecordError):
    """A cloud that is not an array of x, y, z."""


class CloudScore(NamedTuple):
    """Metrics of one scan.

    `points`: points in the message.
    `valid_returns`: points with finite coordinates that are not all 0 (drivers fill lost returns with NaN or 0).
    `empty_sector_deg`: longest run of 5-degree azimuth bins, about the sensor's z axis, without a valid return; a
    sensor that looks ahead only has one by nature (240 for a field of 120 degrees), so compare with the usual.
    `range_p50_m`, `range_p95_m`: percentiles of the distance of valid returns, m; NaN without any.
    `content_digest`: 64 bits of the hash of all coordinates, not a metric; equal means the same scan again.
    """

    points: float
    valid_returns: float
    empty_sector_deg: float
    range_p50_m: float
    range_p95_m: float
    content_digest: int


def score_cloud(xyz: NDArray[np.float32]) -> CloudScore:
    """Score one scan: (n, 3) float32, metres, in the sensor's frame (z along its axis).

    Raises `UnusableCloudError` when the shape is another.
    """
    if xyz.ndim != 2 or xyz.shape[1] != 3:  # noqa: PLR2004  # x, y, z
        raise UnusableCloudError(f"cloud of shape {xyz.shape} instead of (n, 3)")
    points = np.ascontiguousarray(xyz, dtype=np.float32)
    ranges_m, occupied = _ranges_and_bins(points)
    p50_m, p95_m = np.percentile(ranges_m, (50, 95)) if ranges_m.size else (math.nan, math.nan)
    return CloudScore(
        points=len(points),
        valid_returns=len(ranges_m),
        empty_sector_deg=_longest_gap(occupied) * _BIN_DEG,
        range_p50_m=float(p50_m),
        range_p95_m=float(p95_m),
        content_digest=content_digest(points.data),
    )


def warm() -> None:
    """Compile the kernel, or load it from numba's cache on disk: call it before the first scan comes."""
    _ranges_and_bins(np.zeros((1, 3), dtype=np.float32))


def _longest_gap(occupied: NDArray[np.bool_]) -> int:
    """Return the longest run of free bins around the circle."""
    taken = np.flatnonzero(occupied)
    if not taken.size:
        return len(occupied)
    return int(np.diff(taken, append=taken[0] + len(occupied)).max()) - 1


@numba.njit(nogil=True, cache=True)
def _ranges_and_bins(xyz: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Measure valid returns, and mark the azimuth bins they lie in."""
    ranges_m = np.empty(len(xyz), dtype=np.float32)
    occupied = np.zeros(_BINS, dtype=np.bool_)
    bins_per_rad = _BINS / (2 * math.pi)
    valid = 0
    for point in range(len(xyz)):
        x, y, z = xyz[point]
        range_m = math.sqrt(x * x + y * y + z * z)
        if not 0 < range_m < math.inf:
            continue
        ranges_m[valid] = range_m
        valid += 1
        occupied[int((math.atan2(y, x) + math.pi) * bins_per_rad) % _BINS] = True
    return ranges_m[:valid], occupied
