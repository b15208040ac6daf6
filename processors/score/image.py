"""Numbers about one colour image, made to be compared with the same camera's other frames.

Absolute limits don't carry over between scenes and cameras (a limit on the variance of the Laplacian flags 16 %
of clean real frames), so the judge compares a frame's numbers with the running median of its camera.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from processors.score.decode import reduced_grey
from processors.score.digest import content_digest

METRICS: tuple[str, ...] = ("sharpness", "brightness", "clipped_share", "noise", "flat_share", "motion")

_DARKEST, _BRIGHTEST = 3, 252
_BLOCK = 16
_FLAT_VARIANCE = 4.0
_SECOND_DIFFERENCE = np.array([1, -2, 1], dtype=np.float32)


class ImageScore(NamedTuple):
    """Metrics of one image, all taken from its small grey version (see `decode.GREY_WIDTH`).

    `sharpness`: variance of the Laplacian, grey levels squared; falls with blur. Pech-Pacheco et al., "Diatom
    autofocusing in brightfield microscopy", ICPR 2000.
    `brightness`: mean, grey levels (0 to 255).
    `clipped_share`: share of pixels at the ends of the range, <= 2 or >= 253.
    `noise`: standard deviation of the noise, grey levels. Immerkaer, "Fast noise variance estimation",
    Computer Vision and Image Understanding 64(2), 1996. Half-size pixels show about a third of the noise of
    full-size ones; fine texture counts as noise.
    `flat_share`: share of 16 x 16 blocks with a variance below 4: a covered lens, a wall, a burnt-out sky.
    `motion`: mean absolute difference from the previous image, grey levels; NaN without one of the same size.
    `content_digest`: 64 bits of the payload's hash, not a metric; equal means the same bytes again.
    """

    sharpness: float
    brightness: float
    clipped_share: float
    noise: float
    flat_share: float
    motion: float
    content_digest: int


class ImageScorer:
    """Scores the images of one camera in order; remembers the previous one."""

    def __init__(self) -> None:
        self._previous: NDArray[np.uint8] | None = None

    def score(self, payload: bytes, *, encoding: str, width: int, height: int, step: int) -> ImageScore:
        """Score the next image; parameters as in `decode.reduced_grey`.

        Raises `UnreadableImageError`; the next image is then compared with the last readable one.
        """
        grey = reduced_grey(payload, encoding=encoding, width=width, height=height, step=step)
        previous, self._previous = self._previous, grey
        return ImageScore(
            sharpness=_sharpness(grey),
            brightness=float(cv2.mean(grey)[0]),
            clipped_share=1 - cv2.countNonZero(cv2.inRange(grey, _DARKEST, _BRIGHTEST)) / grey.size,
            noise=_noise(grey),
            flat_share=_flat_share(grey),
            motion=_mean_difference(grey, previous),
            content_digest=content_digest(payload),
        )


def _sharpness(grey: NDArray[np.uint8]) -> float:
    # 16-bit integers hold every value; 64-bit floats give the same at six times the cost.
    _, deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))
    return float(deviation[0, 0] ** 2)


def _noise(grey: NDArray[np.uint8]) -> float:
    curvature = cv2.sepFilter2D(grey, cv2.CV_16S, _SECOND_DIFFERENCE, _SECOND_DIFFERENCE)[1:-1, 1:-1]
    return math.sqrt(math.pi / 2) / 6 * cv2.norm(curvature, cv2.NORM_L1) / curvature.size


def _flat_share(grey: NDArray[np.uint8]) -> float:
    sums, squares = cv2.integral2(grey, sdepth=cv2.CV_32S, sqdepth=cv2.CV_64F)
    mean = _block_totals(sums) / _BLOCK**2
    variance = _block_totals(squares) / _BLOCK**2 - mean**2
    return float(np.mean(variance < _FLAT_VARIANCE))


def _block_totals(integral: NDArray[np.generic]) -> NDArray[np.float64]:
    """Sum whole blocks from an integral image."""
    corners = integral[::_BLOCK, ::_BLOCK].astype(np.float64)
    return np.diff(np.diff(corners, axis=0), axis=1)


def _mean_difference(grey: NDArray[np.uint8], previous: NDArray[np.uint8] | None) -> float:
    if previous is None or previous.shape != grey.shape:
        return math.nan
    return float(cv2.norm(grey, previous, cv2.NORM_L1)) / grey.size
