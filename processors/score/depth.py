"""Numbers about one depth image."""

import math
from typing import NamedTuple

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from processors.score.decode import depth_mm

METRICS: tuple[str, ...] = (
    "valid_share",
    "median_mm",
    "near_share",
    "saturated_share",
    "flying_share",
    "noise_mm",
    "motion",
)

_SATURATED_MM = 65535
_NEAR_MM = 200
_FLYING_MM, _FLYING_PERCENT = np.int32(30), np.int32(3)
_STRIDE = 4
_MAD_OF_SIGMA = 0.6745


class DepthScore(NamedTuple):
    """Metrics of one depth image. A pixel is valid when it has a reading: neither 0 nor 65535.

    `valid_share`: share of the pixels that are valid.
    `median_mm`: median of the valid pixels, every fourth of every fourth row; NaN without any, or
    unless asked for.
    `near_share`: share of the valid pixels nearer than 200 mm: something before the camera; NaN without any.
    `saturated_share`: share of the pixels at 65535, too far for the format.
    `flying_share`: share of the valid pixels that lie between their left and right neighbours, farther than 30 mm
    and 3 % of their depth from either: foreground and background mixed at an edge (the flying pixels of Reynolds
    et al., "Capturing time-of-flight data with confidence", CVPR 2011). 3 % is above structured light's steps.
    `noise_mm`: standard deviation of the noise, mm, from how far readings lie off the line between their left and right
    neighbours (the median of it, so edges don't count); NaN without three in a row, or unless asked for.
    `motion`: mean absolute difference in mm from the previous image, over the pixels of the median that are valid
    in both; NaN without a previous one of the same size.
    """

    valid_share: float
    median_mm: float
    near_share: float
    saturated_share: float
    flying_share: float
    noise_mm: float
    motion: float


class DepthScorer:
    """Scores the images of one depth camera in order; remembers every 16th pixel of the previous one."""

    def __init__(self) -> None:
        self._previous: NDArray[np.uint16] | None = None

    def score(
        self,
        payload: bytes,
        *,
        encoding: str,
        width: int,
        height: int,
        step: int,
        big_endian: bool = False,
        dear: bool = True,
    ) -> DepthScore:
        """Score the next image; parameters as in `decode.depth_mm`. `dear`: with the metrics of some frames only.

        Raises `UnreadableImageError`; the next image is then compared with the last readable one.
        """
        depth = depth_mm(payload, encoding=encoding, width=width, height=height, step=step, big_endian=big_endian)
        sparse = depth[::_STRIDE, ::_STRIDE].copy()
        previous, self._previous = self._previous, sparse
        valid, near, saturated, flying = _counts(depth)
        return DepthScore(
            valid_share=valid / depth.size,
            median_mm=_median(sparse[_valid(sparse)]) if dear else math.nan,
            near_share=_share(near, valid),
            saturated_share=saturated / depth.size,
            flying_share=_share(flying, valid),
            noise_mm=_noise_mm(depth) if dear else math.nan,
            motion=_mean_difference(sparse, previous),
        )


def warm() -> None:
    """Compile the kernel, or load it from numba's cache on disk: call it before the first image comes."""
    _counts(np.zeros((1, 3), dtype=np.uint16))


def _valid(depth: NDArray[np.integer]) -> NDArray[np.bool_]:
    return (depth > 0) & (depth < _SATURATED_MM)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _median(values: NDArray[np.uint16]) -> float:
    return float(np.median(values)) if values.size else math.nan


def _mean_difference(depth: NDArray[np.uint16], previous: NDArray[np.uint16] | None) -> float:
    if previous is None or previous.shape != depth.shape:
        return math.nan
    both = _valid(depth) & _valid(previous)
    count = np.count_nonzero(both)
    return float(cv2.norm(depth, previous, cv2.NORM_L1, both.view(np.uint8))) / count if count else math.nan


def _noise_mm(depth: NDArray[np.uint16]) -> float:
    """Of every third pixel of every fourth row; white noise spreads by sqrt(6) in a second difference."""
    rows, thirds = depth[::_STRIDE], depth.shape[1] // 3
    left, middle, right = (rows[:, column : 3 * thirds : 3].astype(np.int32) for column in range(3))
    read = _valid(left) & _valid(middle) & _valid(right)
    if not read.any():
        return math.nan
    left, middle, right = left[read], middle[read], right[read]
    return float(np.median(np.abs(left - 2 * middle + right))) / (_MAD_OF_SIGMA * math.sqrt(6))


@numba.njit(nogil=True, cache=True)
def _counts(depth: NDArray[np.uint16]) -> tuple[int, int, int, int]:
    """Count valid, near, saturated and flying pixels; without branches, so that it becomes vector code."""
    valid = near = saturated = flying = 0
    rows, columns = depth.shape
    for row in range(rows):
        for column in range(columns):
            mm = np.int32(depth[row, column])
            is_valid = (mm > 0) & (mm < _SATURATED_MM)
            valid += int(is_valid)
            near += int(is_valid & (mm < _NEAR_MM))
            saturated += mm == _SATURATED_MM
        for column in range(1, columns - 1):
            left, mm = np.int32(depth[row, column - 1]), np.int32(depth[row, column])
            right = np.int32(depth[row, column + 1])
            least = max(_FLYING_MM, mm * _FLYING_PERCENT // np.int32(100))
            far = min(abs(mm - left), abs(right - mm)) > least
            read = (left > 0) & (mm > 0) & (right > 0) & (mm < _SATURATED_MM)
            flying += read & far & ((left < mm) == (mm < right))
    return valid, near, saturated, flying
