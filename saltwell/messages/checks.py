"""Whether a frame can be read at all: cheap, structural, the same answer for everyone who asks. Pure."""

from saltwell.contracts.frames import CloudFrame, ImageFrame, PointField
from saltwell.messages.cdr import MAX_PADDING
from saltwell.messages.image_files import UnreadableFrame, check_file, check_side

__all__ = ["UnreadableFrame", "check_cloud", "check_image"]

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

_MAX_POINTS = 16 * 1024 * 1024
_MAX_POINT_BYTES = 4096


def check_image(frame: ImageFrame) -> None:
    """Raise UnreadableFrame when the image is cut short or is not what it says."""
    if frame.compressed:
        check_file(frame.payload, frame.encoding)
    else:
        _check_rows(frame)


def check_cloud(frame: CloudFrame) -> None:
    """Raise UnreadableFrame when points are missing or the layout does not fit. A cloud may have no points."""
    height, width, step = frame.height, frame.width, frame.point_step
    if not (0 <= height <= _MAX_POINTS and 0 <= width <= _MAX_POINTS and height * width <= _MAX_POINTS):
        raise UnreadableFrame(f"{height} rows of {width} points; at most {_MAX_POINTS} points are taken")
    if not 0 < step <= _MAX_POINT_BYTES or frame.row_step < step * width:
        raise UnreadableFrame(f"rows of {frame.row_step} bytes for {width} points of {step}")
    if len(frame.payload) != frame.row_step * height:
        raise UnreadableFrame(f"{len(frame.payload)} bytes instead of {frame.row_step * height}")
    if not 0 <= frame.padding <= MAX_PADDING:
        raise UnreadableFrame(f"{frame.padding} bytes of padding; a message has 0 to {MAX_PADDING}")
    for field in frame.fields:
        _check_field(field, step)


def _check_field(field: PointField, point_step: int) -> None:
    """Some drivers leave a count of 0 where they mean 1, and PCL reads it so."""
    size = _FIELD_BYTES.get(field.datatype)
    if size is None or min(field.offset, field.count) < 0 or field.offset + size * max(field.count, 1) > point_step:
        raise UnreadableFrame(f"field {field.name!r} does not lie inside a point of {point_step} bytes")


def _check_rows(frame: ImageFrame) -> None:
    pixel = _PIXEL_BYTES.get(frame.encoding)
    if pixel is None:
        raise UnreadableFrame(f"pixel encoding {frame.encoding!r} is not known")
    check_side(frame.width, frame.height)
    if frame.step < frame.width * pixel:
        raise UnreadableFrame(f"{frame.height} rows of {frame.step} bytes for {frame.width} pixels of {pixel}")
    if len(frame.payload) != frame.step * frame.height:
        raise UnreadableFrame(f"{len(frame.payload)} bytes instead of {frame.step * frame.height}")
