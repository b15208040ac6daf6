"""Image payloads to the pixel arrays that scoring needs: small images, depth in millimetres."""

import struct
from typing import Any, NamedTuple

import cv2
import numpy as np
import simplejpeg
from numpy.typing import DTypeLike, NDArray

from saltwell.errors import SkipRecordError

GREY_WIDTH = 320
"""Colour is scored at the smallest JPEG scale (n/8) at least this wide: on real frames with injected faults it
separates blur as well as full size does, noise and covered lenses better, and costs a fraction. The colours come
along for a tenth of a millisecond: most of the cost is undoing the entropy coding."""

MIN_SIDE = 16
MAX_PIXELS = 1 << 26
"""Larger images (8192 x 8192) are refused before they are decoded: bounds the memory."""

_JPEG = b"\xff\xd8\xff"
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = slice(16, 24)
_COMPRESSED_DEPTH_HEADER = 12

# Raw 8-bit encodings (sensor_msgs/image_encodings): channels, and how OpenCV makes them blue green red.
_RAW_BGR: dict[str, tuple[int, int | None]] = {
    "mono8": (1, None),
    "8UC1": (1, None),
    "rgb8": (3, cv2.COLOR_RGB2BGR),
    "bgr8": (3, None),
    "rgba8": (4, cv2.COLOR_RGBA2BGR),
    "bgra8": (4, cv2.COLOR_BGRA2BGR),
}
_JPEG_BLOCK = 8


class UnreadableImageError(SkipRecordError):
    """An image that can't be decoded: cut, corrupt, of an unknown encoding, or out of bounds."""


class Reduced(NamedTuple):
    """A small version of an image.

    `grey`: (h, w) uint8, 0 black to 255 white. `bgr`: (h, w, 3) uint8, blue green red; None for a grey camera.
    `block_px`: edge of a JPEG block in these pixels; 0 when the image is no JPEG.
    """

    grey: NDArray[np.uint8]
    bgr: NDArray[np.uint8] | None
    block_px: float


def reduced(payload: bytes, *, encoding: str, width: int, height: int, step: int) -> Reduced:
    """Decode a colour or grey image to a small one.

    `encoding`: a raw encoding of `sensor_msgs/Image` (mono8, rgb8, bgr8, rgba8, bgra8), for which `width`,
    `height` (pixels) and `step` (bytes a row) count; anything else is told by its first bytes (JPEG or PNG),
    since drivers name compressed formats as they like.

    Raises `UnreadableImageError`.
    """
    block_px = 0.0
    if encoding in _RAW_BGR:
        pixels = _reduced(_raw(payload, encoding, width=width, height=height, step=step))
    elif payload.startswith(_JPEG):
        pixels, block_px = _jpeg(payload)
    elif payload.startswith(_PNG):
        pixels = _reduced(_png(payload, cv2.IMREAD_COLOR))
    else:
        raise UnreadableImageError(f"image of encoding {encoding!r} is no JPEG, PNG or {', '.join(_RAW_BGR)}")
    if min(pixels.shape[:2]) < MIN_SIDE:
        raise UnreadableImageError(f"image of {pixels.shape[:2]} reduced pixels is too small to score")
    if pixels.ndim == 2:  # noqa: PLR2004  # one channel
        return Reduced(pixels, None, block_px)
    return Reduced(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8), pixels, block_px)


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


def _jpeg(payload: bytes) -> tuple[NDArray[np.uint8], float]:
    """Decode at the smallest scale that is wide enough; gives the pixels and the edge of a block in them."""
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(payload)
        _check_size(width=width, height=height)
        wanted = "GRAY" if colours.upper() == "GRAY" else "BGR"
        pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(payload, wanted, min_width=GREY_WIDTH)
    except ValueError as error:
        raise UnreadableImageError(f"JPEG of {len(payload)} bytes: {error}") from error
    return pixels[:, :, 0] if wanted == "GRAY" else pixels, _JPEG_BLOCK * pixels.shape[1] / width


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


def _raw(payload: bytes, encoding: str, *, width: int, height: int, step: int) -> NDArray[np.uint8]:
    channels, to_bgr = _RAW_BGR[encoding]
    rows = _rows(payload, np.uint8, width=width * channels, height=height, step=step)
    if channels == 1:
        return rows
    pixels = rows.reshape(height, width, channels)
    return pixels if to_bgr is None else np.asarray(cv2.cvtColor(pixels, to_bgr), dtype=np.uint8)


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


def _reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve until the image is less than two `GREY_WIDTH` wide, averaging areas, at most to an eighth."""
    height, width = pixels.shape[:2]
    factor = next((f for f in (8, 4, 2) if width >= f * GREY_WIDTH), 1)
    if factor == 1:
        return pixels
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _mm_of_metres(metres: NDArray[np.floating]) -> NDArray[np.uint16]:
    with np.errstate(invalid="ignore", over="ignore"):
        millimetres = np.rint(metres.astype(np.float32) * 1000)
    np.copyto(millimetres, 0, where=~np.isfinite(metres))
    return np.clip(millimetres, 0, np.iinfo(np.uint16).max).astype(np.uint16)
