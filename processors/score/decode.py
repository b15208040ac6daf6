"""Image payloads to the pixel arrays that scoring needs: small grey images, depth in millimetres."""

import struct
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import DTypeLike, NDArray

from saltwell.errors import SkipRecordError

GREY_WIDTH = 320
"""Colour is scored at the smallest JPEG scale (n/8) at least this wide: on real frames with injected faults it
separates blur as well as full size does, noise and covered lenses better, and costs a fraction."""

MIN_SIDE = 16
MAX_PIXELS = 1 << 26
"""Larger images (8192 x 8192) are refused before they are decoded: bounds the memory."""

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = slice(16, 24)
_COMPRESSED_DEPTH_HEADER = 12

# Raw 8-bit encodings (sensor_msgs/image_encodings): channels, and how OpenCV makes them grey.
_RAW_GREY: dict[str, tuple[int, int | None]] = {
    "mono8": (1, None),
    "8UC1": (1, None),
    "rgb8": (3, cv2.COLOR_RGB2GRAY),
    "bgr8": (3, cv2.COLOR_BGR2GRAY),
    "rgba8": (4, cv2.COLOR_RGBA2GRAY),
    "bgra8": (4, cv2.COLOR_BGRA2GRAY),
}


class UnreadableImageError(SkipRecordError):
    """An image that can't be decoded: cut, corrupt, of an unknown encoding, or out of bounds."""


def reduced_grey(payload: bytes, *, encoding: str, width: int, height: int, step: int) -> NDArray[np.uint8]:
    """Decode a colour or grey image to a small grey one: (h, w) uint8, 0 black to 255 white.

    `encoding`: a raw encoding of `sensor_msgs/Image` (mono8, rgb8, bgr8, rgba8, bgra8), for which `width`,
    `height` (pixels) and `step` (bytes a row) count; anything else is told by its first bytes (JPEG or PNG),
    since drivers name compressed formats as they like.

    Raises `UnreadableImageError`.
    """
    if encoding in _RAW_GREY:
        grey = _reduced(_raw_grey(payload, encoding, width=width, height=height, step=step))
    elif payload.startswith(_JPEG):
        grey = _jpeg_grey(payload)
    elif payload.startswith(_PNG):
        grey = _reduced(_png(payload, cv2.IMREAD_GRAYSCALE))
    else:
        raise UnreadableImageError(f"image of encoding {encoding!r} is no JPEG, PNG or {', '.join(_RAW_GREY)}")
    if min(grey.shape) < MIN_SIDE:
        raise UnreadableImageError(f"image of {grey.shape} grey pixels is too small to score")
    return grey


def depth_mm(
    payload: bytes, *, encoding: str, width: int, height: int, step: int, big_endian: bool = False
) -> NDArray[np.uint16]:
    """Decode a depth image: (height, width) uint16, millimetres, 0 = no reading, 65535 = too far for the format.

    `encoding`: 16UC1 or mono16 (mm), 32FC1 (m; rounded to mm), or a 16-bit PNG (mm), also with the header that
    ROS compressedDepth puts before it.

    Raises `UnreadableImageError`.
    """
    if encoding in ("16UC1", "mono16"):
        raw = _rows(payload, ">u2" if big_endian else "<u2", width=width, height=height, step=step)
        return np.ascontiguousarray(raw, dtype=np.uint16)
    if encoding == "32FC1":
        raw = _rows(payload, ">f4" if big_endian else "<f4", width=width, height=height, step=step)
        return _mm_of_metres(raw)
    for begin in (0, _COMPRESSED_DEPTH_HEADER):
        # Inverse depth (32FC1; compressedDepth) is a PNG too, but not of millimetres.
        if payload.startswith(_PNG, begin) and not encoding.startswith("32FC1"):
            return _png_mm(payload[begin:])
    raise UnreadableImageError(f"depth of encoding {encoding!r} is no 16UC1, mono16, 32FC1 or 16-bit PNG")


def _jpeg_grey(payload: bytes) -> NDArray[np.uint8]:
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(payload)
        _check_size(width=width, height=height)
        grey: NDArray[np.uint8] = simplejpeg.decode_jpeg(payload, "GRAY", min_width=GREY_WIDTH)[:, :, 0]
    except ValueError as error:
        raise UnreadableImageError(f"JPEG of {len(payload)} bytes: {error}") from error
    return grey


def _png(payload: bytes, flags: int) -> NDArray[Any]:
    size = payload[_PNG_SIZE]
    if len(size) < struct.calcsize(">II"):
        raise UnreadableImageError(f"PNG of {len(payload)} bytes ends in its header")
    width, height = struct.unpack(">II", size)
    _check_size(width=width, height=height)
    try:
        pixels = cv2.imdecode(np.frombuffer(payload, np.uint8), flags)
    except cv2.error as error:
        raise UnreadableImageError(f"PNG of {len(payload)} bytes: {error.err}") from error
    if pixels is None:
        raise UnreadableImageError(f"PNG of {len(payload)} bytes can't be decoded")
    return pixels


def _png_mm(payload: bytes) -> NDArray[np.uint16]:
    pixels = _png(payload, cv2.IMREAD_UNCHANGED)
    if pixels.dtype != np.uint16 or pixels.ndim != 2:  # noqa: PLR2004  # one channel
        raise UnreadableImageError(f"depth PNG has {pixels.dtype} pixels of shape {pixels.shape}, not 16-bit grey")
    return pixels.astype(np.uint16, copy=False)


def _raw_grey(payload: bytes, encoding: str, *, width: int, height: int, step: int) -> NDArray[np.uint8]:
    channels, to_grey = _RAW_GREY[encoding]
    rows = _rows(payload, np.uint8, width=width * channels, height=height, step=step)
    if to_grey is None:
        return rows
    return np.asarray(cv2.cvtColor(rows.reshape(height, width, channels), to_grey), dtype=np.uint8)


def _rows(payload: bytes, dtype: DTypeLike, *, width: int, height: int, step: int) -> NDArray[Any]:
    """View raw rows, without the bytes that pad them."""
    _check_size(width=width, height=height)
    item = np.dtype(dtype).itemsize
    if step < width * item or len(payload) != step * height:
        raise UnreadableImageError(
            f"raw image of {len(payload)} bytes says {height} rows of {step} bytes with {width} values of {item}"
        )
    return np.ndarray((height, width), dtype, payload, strides=(step, item))


def _check_size(*, width: int, height: int) -> None:
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise UnreadableImageError(f"image of {width} x {height}; from 1 to {MAX_PIXELS} pixels are taken")


def _reduced(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve until the image is less than two `GREY_WIDTH` wide, averaging areas, at most to an eighth."""
    height, width = grey.shape
    factor = next((f for f in (8, 4, 2) if width >= f * GREY_WIDTH), 1)
    if factor == 1:
        return grey
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _mm_of_metres(metres: NDArray[np.floating]) -> NDArray[np.uint16]:
    with np.errstate(invalid="ignore", over="ignore"):
        millimetres = np.rint(metres.astype(np.float32) * 1000)
    np.copyto(millimetres, 0, where=~np.isfinite(metres))
    return np.clip(millimetres, 0, np.iinfo(np.uint16).max).astype(np.uint16)
