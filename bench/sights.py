"""What the sensors of a made-up station see: deterministic, and of the size and texture of the real thing."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from saltwell.contracts.frames import PointField
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import JointState, PoseStamped

Encoded = tuple[int, bytes]
"""Capture time in ns, and a ROS 2 message in CDR."""

_MARGIN = 64  # pixels that a camera's view wanders
_COLOR_NOISE = 3.0  # grey levels, as of a webcam indoors
_DEPTH_NOISE_MM = 4.0
_DEPTH_HOLES = 0.1  # share of pixels without a reading
_FLOAT32 = 7
_POINT_FIELDS = tuple(PointField(name, 4 * i, _FLOAT32, 1) for i, name in enumerate(("x", "y", "z", "intensity")))


def color(stream: dict[str, Any], stamps: Iterator[int], rng: np.random.Generator) -> Iterator[Encoded]:
    """JPEG images of a textured scene that the camera pans over."""
    height, width = stream["height"], stream["width"]
    shape = (height + _MARGIN, width + _MARGIN)
    scene = 128 + _texture(shape, rng, channels=3) * 40
    noise = rng.normal(0, _COLOR_NOISE, (*shape, 3)).astype(np.float32)
    for n, stamp_ns in enumerate(stamps):
        view = _window(scene, n, height, width) + _shifted(noise, rng, height, width)
        pixels = np.clip(view, 0, 255).astype(np.uint8)
        _, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, stream["quality"]])
        yield stamp_ns, CompressedImage(stamp_ns, stream["name"], "jpeg", file.tobytes()).encode()


def depth(stream: dict[str, Any], stamps: Iterator[int], rng: np.random.Generator) -> Iterator[Encoded]:
    """16UC1 images in mm: a sloping, bumpy wall with noise and holes."""
    height, width = stream["height"], stream["width"]
    shape = (height + _MARGIN, width + _MARGIN)
    scene = 1_500 + np.linspace(-600, 600, shape[1], dtype=np.float32) + 150 * _texture(shape, rng)[:, :, 0]
    noise = rng.normal(0, _DEPTH_NOISE_MM, shape).astype(np.float32)
    holes = _texture(shape, rng)[:, :, 0]
    hollow = float(np.quantile(holes, _DEPTH_HOLES))
    for n, stamp_ns in enumerate(stamps):
        view = _window(scene, n, height, width) + _shifted(noise, rng, height, width)
        view[_window(holes, n, height, width) < hollow] = 0
        data = view.astype("<u2").tobytes()
        yield stamp_ns, Image(stamp_ns, stream["name"], height, width, "16UC1", False, 2 * width, data).encode()


def cloud(stream: dict[str, Any], stamps: Iterator[int], rng: np.random.Generator) -> Iterator[Encoded]:
    """A lidar's revolutions in a room of 8 x 8 x 3 m: x, y, z (m) and intensity, float32."""
    n = stream["points"]
    azimuth, elevation = rng.uniform(0, 2 * np.pi, n), rng.uniform(-0.35, 0.35, n)
    rays = np.stack([np.cos(azimuth), np.sin(azimuth), np.tan(elevation)], axis=1)
    range_m = np.min(np.array([4.0, 4.0, 1.5]) / np.maximum(np.abs(rays), 1e-6), axis=1)
    intensity = rng.uniform(0, 255, (n, 1))
    for stamp_ns in stamps:
        points = rays * (range_m + rng.normal(0, 0.02, n))[:, None]
        data = np.hstack([points, intensity]).astype("<f4").tobytes()
        yield (
            stamp_ns,
            PointCloud2(stamp_ns, stream["name"], 1, n, _POINT_FIELDS, False, 16, 16 * n, data, True).encode(),
        )


def joints(stream: dict[str, Any], stamps: Iterator[int], rng: np.random.Generator) -> Iterator[Encoded]:
    """Joints that swing at 0.1-0.5 Hz: position rad, velocity rad/s, torque Nm."""
    names = tuple(f"joint_{i:02}" for i in range(stream["joints"]))
    speed, phase = rng.uniform(0.6, 3.0, len(names)), rng.uniform(0, 2 * np.pi, len(names))
    for stamp_ns in stamps:
        angle = speed * (stamp_ns % 1_000_000_000_000) / 1e9 + phase
        torque = 5 * np.sin(angle) + rng.normal(0, 0.05, len(names))
        message = JointState(stamp_ns, "", names, 0.5 * np.sin(angle), 0.5 * speed * np.cos(angle), torque)
        yield stamp_ns, message.encode()


def pose(stream: dict[str, Any], stamps: Iterator[int], rng: np.random.Generator) -> Iterator[Encoded]:
    """A hand that circles at 0.25 Hz with a millimetre of tremor, turning about z."""
    for stamp_ns in stamps:
        angle = 1.57 * (stamp_ns % 1_000_000_000_000) / 1e9
        position = np.array([0.3 * np.cos(angle), 0.3 * np.sin(angle), 1.2]) + rng.normal(0, 0.001, 3)
        orientation = np.array([0, 0, np.sin(angle / 2), np.cos(angle / 2)])
        yield stamp_ns, PoseStamped(stamp_ns, stream["name"], position, orientation).encode()


def _texture(shape: tuple[int, int], rng: np.random.Generator, channels: int = 1) -> npt.NDArray[np.float32]:
    """Smooth noise of several scales, mean 0, deviation about 1, shape (rows, columns, channels)."""
    total = np.zeros((*shape, channels), np.float32)
    for cells, weight in ((4, 0.7), (16, 0.5), (64, 0.4), (256, 0.3)):
        coarse = rng.normal(0, weight, (cells, cells, channels)).astype(np.float32)
        total += cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC).reshape(total.shape)
    return total


def _window(scene: Any, n: int, height: int, width: int) -> Any:
    """The n-th view: a window that wanders over the scene."""
    row, column = (int(_MARGIN / 2 * (1 + np.sin(n / k))) for k in (37, 53))
    return scene[row : row + height, column : column + width]


def _shifted(noise: Any, rng: np.random.Generator, height: int, width: int) -> Any:
    """Noise of its own for each frame, without drawing all of it again."""
    row, column = rng.integers(0, _MARGIN, 2)
    return noise[row : row + height, column : column + width]
