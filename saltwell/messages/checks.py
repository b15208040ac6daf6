"""Whether a frame can be read at all: cheap, structural, the same answer for everyone who asks. Pure."""

from saltwell.contracts.frames import CloudFrame, ImageFrame
from saltwell.errors import SkipRecordError

_MAX_SIDE = 16_384
_PIXEL_BYTES = {
    "16UC1": 2,
    "mono8": 1,
    "8UC1": 1,
    "mono16": 2,
    "rgb8": 3,
    "bgr8": 3,
    "rgba8": 4,
    "bgra8": 4,
    "32FC1": 4,
}
_FIELD_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 8: 8}

_JPEG_BEGIN = b"\xff\xd8"
_JPEG_END = b"\xff\xd9"
_PNG_BEGIN = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_START_OF_SCAN = 0xDA
_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2})
_MARKER = 0xFF


class UnreadableFrame(SkipRecordError):
    """A frame whose payload is not what its description says."""


def check_image(frame: ImageFrame) -> None:
    """Raise UnreadableFrame when the image is cut short or is not what it says."""
    if frame.compressed:
        _check_file(frame.payload, frame.encoding)
    else:
        _check_rows(frame)


def check_cloud(frame: CloudFrame) -> None:
    """Raise UnreadableFrame when points are missing or the layout does not fit."""
    if frame.point_step <= 0 or frame.row_step < frame.point_step * frame.width or frame.width < 0:
        raise UnreadableFrame(f"rows of {frame.row_step} bytes for {frame.width} points of {frame.point_step}")
    if len(frame.payload) != frame.row_step * frame.height:
        raise UnreadableFrame(f"{len(frame.payload)} bytes instead of {frame.row_step * frame.height}")
    for field in frame.fields:
        size = _FIELD_BYTES.get(field.datatype)
        if size is None or field.offset < 0 or field.offset + size * max(field.count, 1) > frame.point_step:
            raise UnreadableFrame(f"field {field.name} does not lie inside a point of {frame.point_step} bytes")


def _check_file(payload: bytes, encoding: str) -> None:
    if payload.startswith(_JPEG_BEGIN):
        _check_jpeg(payload)
    elif payload.startswith(_PNG_BEGIN):
        if not payload.endswith(_PNG_END):
            raise UnreadableFrame(f"PNG of {len(payload)} bytes has no end")
    else:
        raise UnreadableFrame(f"neither JPEG nor PNG ({encoding!r}): begins {payload[:8].hex()}")


def _check_jpeg(payload: bytes) -> None:
    """Walk the segments up to the scan; the image must have a sane size and an end."""
    if not payload.rstrip(b"\0").endswith(_JPEG_END):
        raise UnreadableFrame(f"JPEG of {len(payload)} bytes has no end")
    at, sized = 2, False
    while at + 4 <= len(payload):
        if payload[at] != _MARKER:
            raise UnreadableFrame(f"JPEG has no marker at byte {at}")
        marker, size = payload[at + 1], int.from_bytes(payload[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN:
            break
        if marker in _START_OF_FRAME:
            height, width = (int.from_bytes(payload[at + i : at + i + 2], "big") for i in (5, 7))
            sized = 0 < height <= _MAX_SIDE and 0 < width <= _MAX_SIDE
        at += 2 + size
    if not sized:
        raise UnreadableFrame("JPEG says no size before its scan")


def _check_rows(frame: ImageFrame) -> None:
    pixel = _PIXEL_BYTES.get(frame.encoding)
    if pixel is None:
        raise UnreadableFrame(f"pixel encoding {frame.encoding!r} is not known")
    if not (0 < frame.height <= _MAX_SIDE and 0 < frame.width <= _MAX_SIDE) or frame.step < frame.width * pixel:
        raise UnreadableFrame(f"{frame.height} rows of {frame.step} bytes for {frame.width} pixels of {pixel}")
    if len(frame.payload) != frame.step * frame.height:
        raise UnreadableFrame(f"{len(frame.payload)} bytes instead of {frame.step * frame.height}")
