"""A depth image and its camera's calibration to points."""

from dataclasses import replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from saltwell.errors import SkipRecordError
from saltwell.messages.camera_info import CameraInfo

MAX_PIXELS = 1 << 22
"""The largest image taken (2,560 x 1,600): bounds the memory, and a cloud has at most so many points."""

_MM = np.float32(0.001)
_TOO_FAR_MM = 65535
_MODELS = ("", "plumb_bob", "rational_polynomial")


class UnusableCameraError(SkipRecordError):
    """A calibration that gives no rays."""


def scaled(info: CameraInfo, *, width: int, height: int) -> CameraInfo:
    """The calibration of the same camera for whole images that were made smaller or larger, to so many pixels.

    Both sides are scaled alike, within a pixel; the images' edges, not the centres of their corner pixels, stay in
    place. Raises `UnusableCameraError` when the sides don't fit: then the image is a part, or of another camera.
    """
    if (width, height) == (info.width, info.height):
        return info
    if abs(width * info.height - height * info.width) > max(info.width, info.height):
        size = f"{width} x {height} pixels"
        raise UnusableCameraError(f"image of {size}, calibration for {info.width} x {info.height}")
    x, y = width / info.width, height / info.height
    fx, fy, cx, cy = info.k[[0, 4, 2, 5]]
    k = np.array([fx * x, 0, (cx + 0.5) * x - 0.5, 0, fy * y, (cy + 0.5) * y - 0.5, 0, 0, 1])
    return replace(info, width=width, height=height, k=k)


def rays(info: CameraInfo) -> NDArray[np.float32]:
    """Where each pixel looks: x / z and y / z, shape (height, width, 2) float32, in the camera's optical frame.

    The optical frame has x right, y down, z ahead (ROS REP 103). Distortion is undone where the calibration has one.
    Raises `UnusableCameraError` for a camera without focal length, of another distortion model, or too large.
    """
    fx, fy, cx, cy = info.k[[0, 4, 2, 5]]
    if not (np.isfinite(info.k).all() and fx > 0 and fy > 0):
        raise UnusableCameraError(f"focal lengths {fx} and {fy} pixels; calibrate the camera")
    if not 0 < info.width * info.height <= MAX_PIXELS:
        raise UnusableCameraError(f"{info.width} x {info.height} pixels; from 1 to {MAX_PIXELS} are taken")
    if info.d.any():
        return _undistorted(info)
    x = (np.arange(info.width) - cx) / fx
    y = (np.arange(info.height) - cy) / fy
    return np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)


def depth_points(depth_mm: NDArray[np.uint16], of: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points of the pixels that have a reading, row by row: (n, 3) float32, m, in the camera's optical frame.

    `depth_mm`: (height, width) uint16, distance along z, 0 and 65535 = no reading. `of`: the rays of this camera, of
    the same height and width.
    """
    points: NDArray[np.float32] = _points(depth_mm, of)
    return points


def warm() -> None:
    """Compile the kernel, or load it from numba's cache on disk: call it before the first image comes."""
    _points(np.zeros((1, 1), np.uint16), np.zeros((1, 1, 2), np.float32))


def _undistorted(info: CameraInfo) -> NDArray[np.float32]:
    import cv2  # noqa: PLC0415 - only cameras that distort need it

    if info.distortion_model not in _MODELS or len(info.d) not in (4, 5, 8, 12, 14):
        raise UnusableCameraError(f"distortion {info.distortion_model!r} with {len(info.d)} numbers is not known")
    pixels: Any = np.stack(np.meshgrid(np.arange(info.width), np.arange(info.height)), axis=-1).astype(np.float64)
    seen = cv2.undistortPoints(pixels.reshape(-1, 1, 2), info.k.reshape(3, 3), info.d)
    return np.asarray(seen, np.float32).reshape(info.height, info.width, 2)


@numba.njit(nogil=True, cache=True)
def _points(depth_mm: NDArray[np.uint16], of: NDArray[np.float32]) -> NDArray[np.float32]:
    points = np.empty((depth_mm.size, 3), dtype=np.float32)
    found = 0
    for row in range(depth_mm.shape[0]):
        for column in range(depth_mm.shape[1]):
            mm = depth_mm[row, column]
            z = np.float32(mm) * _MM
            points[found, 0] = of[row, column, 0] * z
            points[found, 1] = of[row, column, 1] * z
            points[found, 2] = z
            found += int((mm > 0) & (mm < _TOO_FAR_MM))
    return points[:found]
