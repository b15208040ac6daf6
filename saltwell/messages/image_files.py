"""Whether a JPEG or PNG file is whole: its headers and its end, never its pixels. Pure.

Markers by ITU-T T.81, table B.1; chunks by the PNG specification, section 5.
"""

import struct

from saltwell.errors import SkipRecordError

MAX_SIDE = 16_384
"""Widest and highest image, in pixels."""

_JPEG_BEGIN = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_MARKER = 0xFF
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive: what decoders read
_FRAME_HEADER_BYTES = 9
_LEAST_SEGMENT_BYTES = 2
_MAX_SEGMENTS = 512  # an ICC profile may take 255

_PNG_BEGIN = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_SIGNATURE_BYTES = 8
_PNG_SIZE = struct.Struct(">II")
_PNG_LAST = b"IEND"
_CHUNK_FRAME_BYTES = 12  # length, name and CRC around the data
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


class UnreadableFrame(SkipRecordError):
    """A frame whose payload is not what its description says."""


def check_file(payload: bytes, encoding: str) -> None:
    """Raise UnreadableFrame when this is no whole JPEG or PNG; zeros may follow its end (drivers fill buffers)."""
    if payload.startswith(_JPEG_BEGIN):
        _check_jpeg(payload)
    elif payload.startswith(_PNG_BEGIN[:_PNG_SIGNATURE_BYTES]):
        _check_png(payload)
    else:
        raise UnreadableFrame(f"neither JPEG nor PNG ({encoding!r}): begins {payload[:8].hex()}")


def check_side(width: int, height: int) -> None:
    """Raise UnreadableFrame for a size no camera has."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise UnreadableFrame(f"image of {width} x {height} pixels; sides from 1 to {MAX_SIDE} are taken")


def _check_jpeg(payload: bytes) -> None:
    """Walk the segments up to the scan; a sane size must come before it and the end of the image behind it."""
    at, sized = len(_JPEG_BEGIN), False
    for _ in range(_MAX_SEGMENTS):
        marker, at = _next_marker(payload, at)
        size = int.from_bytes(payload[at : at + 2], "big")
        if size < _LEAST_SEGMENT_BYTES or at + size > len(payload):
            raise UnreadableFrame(f"JPEG of {len(payload)} bytes ends in its headers")
        if marker == _START_OF_SCAN:
            break
        if marker in _START_OF_FRAME and size >= _FRAME_HEADER_BYTES:
            height, width = struct.unpack_from(">HH", payload, at + 3)
            check_side(width, height)
            sized = True
        at += size
    if not sized:
        raise UnreadableFrame("JPEG says no size before its scan")
    if not payload.rstrip(b"\0").endswith(_JPEG_END):
        raise UnreadableFrame(f"JPEG of {len(payload)} bytes has no end")


def _next_marker(payload: bytes, at: int) -> tuple[int, int]:
    """Return the marker at `at` and where its segment begins; any number of fill bytes 0xFF may precede it."""
    if payload[at : at + 1] != b"\xff":
        raise UnreadableFrame(f"JPEG has no marker at byte {at}")
    while at < len(payload) and payload[at] == _MARKER:
        at += 1
    return (payload[at] if at < len(payload) else 0), at + 1


def _check_png(payload: bytes) -> None:
    if not payload.startswith(_PNG_BEGIN) or len(payload) < len(_PNG_BEGIN) + _PNG_SIZE.size:
        raise UnreadableFrame(f"PNG of {len(payload)} bytes says no size")
    check_side(*_PNG_SIZE.unpack_from(payload, len(_PNG_BEGIN)))
    end = _end_chunk(payload)
    if payload[end : end + len(_PNG_END)] != _PNG_END or payload[end + len(_PNG_END) :].strip(b"\0"):
        raise UnreadableFrame(f"PNG of {len(payload)} bytes has no end")


def _end_chunk(payload: bytes) -> int:
    """Where the last chunk begins. Decoders take the memory that a chunk claims: each must lie in the file."""
    at = _PNG_SIGNATURE_BYTES
    while payload[at + 4 : at + 8] != _PNG_LAST:
        at += _CHUNK_FRAME_BYTES + int.from_bytes(payload[at : at + 4], "big")
        if at >= len(payload):
            raise UnreadableFrame(f"PNG of {len(payload)} bytes has a chunk that ends at {at}")
    return at
