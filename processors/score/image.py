"""Numbers about one colour image, made to be compared with the same camera's other frames.

Absolute limits don't carry over between scenes and cameras (a limit on the variance of the Laplacian flags 16 %
of clean real frames), so the judge compares a frame's numbers with the running median of its camera.
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from processors.score.decode import Reduced, reduced
from processors.score.jpeg import mean_quantisation

METRICS: tuple[str, ...] = (
    "sharpness",
    "detail",
    "brightness",
    "clipped_share",
    "noise",
    "flat_share",
    "blockiness",
    "quantisation",
    "red_green",
    "blue_green",
    "motion",
    "changed_share",
    "upper_left",
    "upper_right",
    "lower_left",
    "lower_right",
)

_DARKEST, _BRIGHTEST = 3, 252
_BLOCK = 16
_FLAT_VARIANCE = 4.0
_SECOND_DIFFERENCE = np.array([1, -2, 1], dtype=np.float32)
_LEAST_BLOCK_PX = 4
_QUANTUM = 0.1  # grey levels squared: below, a Laplacian is rounding


class ImageScore(NamedTuple):
    """Metrics of one image, all taken from its small version (see `decode.GREY_WIDTH`); NaN = not measured.

    `sharpness`: variance of the Laplacian, grey levels squared; falls with blur. Pech-Pacheco et al., "Diatom
    autofocusing in brightfield microscopy", ICPR 2000.
    `detail`: deviation of the Laplacian over that at half the size: how much of the detail is fine detail. Falls
    with blur, hardly moves with contrast, brightness or scene: real frames lie between 0.77 and 1.35, frames
    blurred by a Gaussian of 2 pixels below 0.6.
    `brightness`: mean, grey levels (0 to 255).
    `clipped_share`: share of pixels at the ends of the range, <= 2 or >= 253.
    `noise`: standard deviation of the noise, grey levels. Immerkaer, "Fast noise variance estimation",
    Computer Vision and Image Understanding 64(2), 1996. Half-size pixels show about a third of the noise of
    full-size ones; fine texture counts as noise.
    `flat_share`: share of 16 x 16 blocks with a variance below 4: a covered lens, a wall, a burnt-out sky.
    `blockiness`: how much larger the steps between columns are at the borders of JPEG blocks than inside them,
    grey levels, median over the columns of blocks (an edge of the scene is at one); NaN where a block has fewer
    than 4 of the small pixels.
    `quantisation`: mean of the JPEG's luma quantisation table, 1 = best; NaN for other formats.
    `red_green`, `blue_green`: natural logarithm of the mean red or blue over the mean green; NaN for grey cameras.
    `motion`: mean absolute difference from the previous image, grey levels; NaN without one of the same size.
    `changed_share`: share of pixels that differ from the previous image by more than one grey level; NaN as above.
    `upper_left`, `upper_right`, `lower_left`, `lower_right`: mean of a quarter of the image, grey levels: what the
    camera looks at, told coarsely; NaN unless asked for.
    """

    sharpness: float
    detail: float
    brightness: float
    clipped_share: float
    noise: float
    flat_share: float
    blockiness: float
    quantisation: float
    red_green: float
    blue_green: float
    motion: float
    changed_share: float
    upper_left: float
    upper_right: float
    lower_left: float
    lower_right: float


class ImageScorer:
    """Scores the images of one camera in order; remembers the previous one."""

    def __init__(self) -> None:
        self.grey: NDArray[np.uint8] | None = None
        """The last readable image, small and grey: (h, w) uint8."""

    def score(
        self, payload: bytes, *, encoding: str, width: int, height: int, step: int, dear: bool = True
    ) -> ImageScore:
        """Score the next image; parameters as in `decode.reduced`. `dear`: with the metrics of some frames only.

        Raises `UnreadableImageError`; the next image is then compared with the last readable one.
        """
        image = reduced(payload, encoding=encoding, width=width, height=height, step=step)
        grey, previous = image.grey, self.grey
        self.grey = grey
        sharpness = _sharpness(grey)
        red_green, blue_green = _colour(image)
        motion, changed_share = _difference(grey, previous)
        quarters = _quarters(grey) if dear else (math.nan,) * 4
        return ImageScore(
            sharpness=sharpness,
            detail=math.sqrt(sharpness / (_sharpness(cv2.pyrDown(grey)) + _QUANTUM)),
            brightness=float(cv2.mean(grey)[0]),
            clipped_share=1 - cv2.countNonZero(cv2.inRange(grey, _DARKEST, _BRIGHTEST)) / grey.size,
            noise=_noise(grey),
            flat_share=_flat_share(grey),
            blockiness=_blockiness(image),
            quantisation=mean_quantisation(payload) if image.block_px else math.nan,
            red_green=red_green,
            blue_green=blue_green,
            motion=motion,
            changed_share=changed_share,
            upper_left=quarters[0],
            upper_right=quarters[1],
            lower_left=quarters[2],
            lower_right=quarters[3],
        )


def _sharpness(grey: MatLike) -> float:
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


def _blockiness(image: Reduced) -> float:
    edge = round(image.block_px)
    if edge != image.block_px or edge < _LEAST_BLOCK_PX:
        return math.nan
    steps = cv2.absdiff(image.grey[:, 1:], image.grey[:, :-1])
    by_column = cv2.reduce(steps, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[0]
    blocks = by_column[: len(by_column) // edge * edge].reshape(-1, edge)
    return float(np.median(blocks[:, -1] - blocks[:, :-1].mean(axis=1)))


def _colour(image: Reduced) -> tuple[float, float]:
    """Red and blue against green."""
    if image.bgr is None:
        return math.nan, math.nan
    blue, green, red, _ = cv2.mean(image.bgr)
    return math.log((red + 1) / (green + 1)), math.log((blue + 1) / (green + 1))


def _quarters(grey: NDArray[np.uint8]) -> tuple[float, ...]:
    row, column = grey.shape[0] // 2, grey.shape[1] // 2
    parts = (grey[:row, :column], grey[:row, column:], grey[row:, :column], grey[row:, column:])
    return tuple(float(cv2.mean(part)[0]) for part in parts)


def _difference(grey: NDArray[np.uint8], previous: NDArray[np.uint8] | None) -> tuple[float, float]:
    """Mean absolute difference, and the share of pixels that changed by more than a level."""
    if previous is None or previous.shape != grey.shape:
        return math.nan, math.nan
    off = cv2.absdiff(grey, previous)
    _, changed = cv2.threshold(off, 1, 1, cv2.THRESH_BINARY)
    return float(cv2.mean(off)[0]), cv2.countNonZero(changed) / grey.size
