"""Faults of cameras and depth cameras."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from bench.quality.faults import Rng, fault, held, span
from bench.quality.takes import Samples
from processors.score.jpeg import mean_quantisation

_WINDOW_S = 1.2
_FULL_WIDTH = 640  # the width that blur in pixels refers to
_QUALITY_50_MEAN = 57.6  # mean of the luma table at quality 50 (ITU-T T.81, annex K)
Pixels = npt.NDArray[np.uint8]


def _is_jpeg(samples: Samples) -> bool:
    first: Any = samples[0]
    return bool(first.payload[:2] == b"\xff\xd8")


def _decoded(payload: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("a recorded JPEG can't be decoded")
    return np.asarray(pixels, dtype=np.uint8)


def _quality_of(payload: bytes) -> int:
    """The JPEG quality that a payload was coded with, so that what is coded again is coded alike."""
    return int(np.clip(round(100 - 50 * mean_quantisation(payload) / _QUALITY_50_MEAN), 50, 98))


def _encoded(pixels: npt.NDArray[Any], quality: int) -> bytes:
    return bytes(cv2.imencode(".jpg", np.clip(pixels, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def _repainted(samples: Samples, begin: float | None, paint: Any, *, quality: int | None = None) -> Samples:
    """Frames of a window (None = all) decoded, painted over and coded again, as they were or at a quality."""
    changed: list[Any] = list(samples)
    for i in range(len(samples)) if begin is None else span(samples, begin, _WINDOW_S):
        payload = changed[i].payload
        painted = paint(_decoded(payload))
        changed[i] = replace(changed[i], payload=_encoded(painted, quality or _quality_of(payload)))
    return changed


@fault("motion blur", "color", "px", (5, 9, 15), "blur", needs=_is_jpeg)
def motion_blur(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Horizontal blur, in pixels of an image 640 wide."""
    del rng
    return _repainted(samples, begin, lambda p: cv2.blur(p, (max(2, round(value * p.shape[1] / _FULL_WIDTH)), 1)))


@fault("out of focus", "color", "px", (1, 2, 3), "blur", needs=_is_jpeg)
def out_of_focus(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Gaussian blur, sigma in pixels of an image 640 wide."""
    del rng
    return _repainted(samples, begin, lambda p: cv2.GaussianBlur(p, (0, 0), value * p.shape[1] / _FULL_WIDTH))


@fault("out of focus all along", "color", "px", (1, 2, 3), "unfocused", needs=_is_jpeg)
def unfocused(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Gaussian blur of every frame."""
    del begin, rng
    return _repainted(samples, None, lambda p: cv2.GaussianBlur(p, (0, 0), value * p.shape[1] / _FULL_WIDTH))


@fault("image noise", "color", "grey levels", (4, 8, 16), "noise", needs=_is_jpeg)
def image_noise(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """White noise on every pixel and colour."""
    return _repainted(samples, begin, lambda p: p + rng.normal(0, value, p.shape))


@fault("covered lens", "color", "share", (0.10, 0.25, 0.50), "covered flat", needs=_is_jpeg)
def covered(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """A dark, blurred, slightly noisy thing over the left side."""

    def paint(pixels: Pixels) -> Pixels:
        width = int(value * pixels.shape[1])
        cover = 40 + rng.integers(0, 3, (pixels.shape[0], width, 3))
        painted = pixels.copy()
        painted[:, :width] = cv2.GaussianBlur(cover.astype(np.uint8), (0, 0), 3)
        return painted

    return _repainted(samples, begin, paint)


@fault("under-exposed", "color", "gain", (0.7, 0.5, 0.25), "exposure dark", needs=_is_jpeg)
def dim(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """All levels lowered by a factor."""
    del rng
    return _repainted(samples, begin, lambda p: p * value)


@fault("over-exposed", "color", "gain", (1.3, 1.8, 3.0), "exposure clipping", needs=_is_jpeg)
def bright(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """All levels raised by a factor, and clipped."""
    del rng
    return _repainted(samples, begin, lambda p: p.astype(np.float32) * value)


@fault("strong compression", "color", "JPEG quality", (20, 10, 5), "compression", needs=_is_jpeg)
def compressed(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Coded at a low quality."""
    del rng
    return _repainted(samples, begin, lambda p: p, quality=int(value))


@fault("compressed, coded again", "color", "JPEG quality", (20, 10, 5), "compression", needs=_is_jpeg)
def compressed_again(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Coded at a low quality, then as it was: the header doesn't tell."""
    del rng
    return _repainted(samples, begin, lambda p: _decoded(_encoded(p, int(value))))


@fault("colour cast", "color", "gain of red", (1.15, 1.3, 1.6), "cast", needs=_is_jpeg)
def cast(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One colour raised."""
    del rng
    return _repainted(samples, begin, lambda p: p * np.array([1.0, 1.0, value]))


@fault("black camera", "color", "s", (0.5, 1.5, 99), "dark flat covered exposure", needs=_is_jpeg)
def black(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """No light, for a while or all along (99 s)."""
    changed: list[Any] = list(samples)
    for i in range(len(samples)) if value > 60 else span(samples, begin, value):
        shape, quality = _decoded(changed[i].payload).shape, _quality_of(changed[i].payload)
        changed[i] = replace(changed[i], payload=_encoded(np.abs(rng.normal(0, 1, shape)), quality))
    return changed


@fault("freeze", "color depth cloud", "s", (0.4, 0.8, 3.0), "freeze")
def freeze(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """The same bytes again and again, with stamps that go on."""
    del rng
    return held(samples, span(samples, begin, value))


@fault("freeze, coded again", "color", "s", (0.4, 0.8, 3.0), "freeze", needs=_is_jpeg)
def freeze_coded(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """The same picture with a frame counter in its corner: no two payloads are equal."""
    changed: list[Any] = list(samples)
    window = span(samples, begin, value)
    payload = changed[window[0] - 1].payload
    pixels, quality = _decoded(payload), _quality_of(payload)
    for i in window:
        counted = pixels.copy()
        counted[:8, :16] = rng.integers(0, 2, (8, 16, 1)) * 255
        changed[i] = replace(changed[i], payload=_encoded(counted, quality))
    return changed


@fault("repeated frames", "color", "share", (0.03, 0.12, 0.25), "repeats")
def repeated(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Single frames replaced by the one before."""
    del begin
    changed: list[Any] = list(samples)
    for i in rng.choice(np.arange(1, len(samples)), int(value * len(samples)), replace=False):
        changed[i] = replace(changed[i], payload=changed[i - 1].payload)
    return changed


@fault("truncated payload", "color depth cloud", "frames", (1, 2, 5), "unreadable undecodable loss")
def truncated(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Payloads that end early."""
    changed: list[Any] = list(samples)
    first = int(begin * len(samples))
    for i in range(first, first + int(value)):
        size = int(len(changed[i].payload) * rng.uniform(0.2, 0.9))
        changed[i] = replace(changed[i], payload=changed[i].payload[:size])
    return changed


@fault("swapped cameras", "color", "s", (1.0, 2.0, 99), "swapped", pair=True)
def swapped(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Done by `inject`: two cameras carry each other's pictures."""
    del value, begin, rng
    return samples


def _depth(sample: Any) -> npt.NDArray[np.uint16]:
    return np.frombuffer(sample.payload, "<u2").reshape(sample.height, -1).copy()


def _is_raw_depth(samples: Samples) -> bool:
    first: Any = samples[0]
    return bool(first.encoding == "16UC1" and not first.big_endian)


def _remeasured(samples: Samples, begin: float, change: Any) -> Samples:
    changed: list[Any] = list(samples)
    for i in span(samples, begin, _WINDOW_S):
        depth = change(_depth(changed[i]).astype(np.int32))
        changed[i] = replace(changed[i], payload=np.clip(depth, 0, 65535).astype("<u2").tobytes())
    return changed


def _blobs(shape: tuple[int, ...], share: float, rng: Rng) -> npt.NDArray[np.bool_]:
    """Round patches over a share of the pixels."""
    coarse = rng.normal(size=(12, 16)).astype(np.float32)
    field = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(field < np.quantile(field, share))


@fault("depth holes", "depth", "share", (0.10, 0.25, 0.50), "holes blind", needs=_is_raw_depth)
def holes(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Patches without a reading."""
    return _remeasured(samples, begin, lambda d: np.where(_blobs(d.shape, value, rng), 0, d))


@fault("depth noise", "depth", "mm", (5, 20, 60), "noisy_depth", needs=_is_raw_depth)
def depth_noise(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """White noise on the readings."""
    return _remeasured(samples, begin, lambda d: np.where(d > 0, d + rng.normal(0, value, d.shape), 0))


@fault("flying pixels", "depth", "share", (0.01, 0.04, 0.10), "flying noisy_depth", needs=_is_raw_depth)
def flying(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Single pixels between their neighbours: a step of 0.6 m with one pixel in its middle."""

    def change(depth: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        rows, columns = depth.shape
        n = int(value * depth.size)
        row, column = rng.integers(0, rows, n), rng.integers(1, columns - 1, n)
        middle = depth[row, column]
        depth[row, column - 1], depth[row, column + 1] = middle - 300, middle + 300
        return depth

    return _remeasured(samples, begin, change)


@fault("depth saturated", "depth", "share", (0.05, 0.20, 0.50), "saturated holes", needs=_is_raw_depth)
def depth_saturated(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Patches at the largest number of the format."""
    return _remeasured(samples, begin, lambda d: np.where(_blobs(d.shape, value, rng), 65535, d))


@fault("thing before the depth camera", "depth", "share", (0.05, 0.20, 0.50), "near", needs=_is_raw_depth)
def near(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """A patch at 150 mm."""
    return _remeasured(samples, begin, lambda d: np.where(_blobs(d.shape, value, rng), 150, d))


FAULTS = (
    *(motion_blur, out_of_focus, unfocused, image_noise, covered, dim, bright, compressed, compressed_again, cast),
    *(black, freeze, freeze_coded, repeated, truncated, swapped, holes, depth_noise, flying, depth_saturated, near),
)
