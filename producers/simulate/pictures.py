"""What a camera makes of an ideal picture: grain, JPEG, millimetres."""

import cv2
import numpy as np
from numpy.typing import NDArray

from saltwell.errors import StopError

GRAIN = 1.5  # standard deviation of a pixel's brightness, in grey levels
JPEG_QUALITY = 54
MIN_DEPTH_M, MAX_DEPTH_M = 0.25, 4.0
DISPARITY_STEPS_M = 600 * 0.055 * 8
"""Focal length in px, baseline in m and steps a px of the stereo camera that the depth is modelled on."""


class Grain:
    """Brightness noise of a sensor: cuts of a noise plate twice the picture's size, another cut every time."""

    def __init__(self, *, width: int, height: int, rng: np.random.Generator) -> None:
        """Draw the plate."""
        self._size = (height, width)
        self._rng = rng
        self._plate = np.round(rng.normal(0, GRAIN, (2 * height, 2 * width))).astype(np.int16)

    def add(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the (height, width, 3) picture with noise on it."""
        height, width = self._size
        top, left = (int(self._rng.integers(0, size)) for size in self._size)
        cut = self._plate[top : top + height, left : left + width]
        return np.asarray(cv2.add(picture, cv2.merge([cut, cut, cut]), dtype=cv2.CV_8U), dtype=np.uint8)


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """Encode (height, width, 3) red, green, blue."""
    done, encoded = cv2.imencode(
        ".jpg",
        cv2.cvtColor(picture, cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY, cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    )
    if not done:
        raise StopError(f"OpenCV can't encode a JPEG of shape {picture.shape}")
    return encoded.tobytes()


def depth_mm(distance_m: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return what a stereo depth camera reports: mm in steps of its disparity, 0 out of 0.25 to 4 m.

    Stereo measures 1 / distance in equal steps, so its steps in distance grow with the square of it: 4 mm at 1 m,
    34 mm at 3 m.
    """
    steps = np.round(DISPARITY_STEPS_M / np.maximum(distance_m, MIN_DEPTH_M))
    measured_m = DISPARITY_STEPS_M / np.maximum(steps, 1)
    seen = (distance_m >= MIN_DEPTH_M) & (distance_m <= MAX_DEPTH_M)
    return np.where(seen, np.round(measured_m * 1000), 0).astype(np.uint16)
