"""The picture of a camera at each row, decoded."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from saltwell.errors import SkipRecordError
from saltwell.messages.image import CompressedImage, Image
from sinks.dataset.recorded import Recorded, RecordedFrame
from sinks.episodes.annotations import StepMatch

Picture = npt.NDArray[np.uint8]
DepthMap = npt.NDArray[np.uint16]

_TO_RGB = {"rgb8": None, "bgr8": cv2.COLOR_BGR2RGB, "mono8": cv2.COLOR_GRAY2RGB}
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1}
_COMPRESSED = "sensor_msgs/msg/CompressedImage"


class NoPicture(SkipRecordError):
    """A row that has no picture, or one that can't be decoded."""


def frames_of_rows(recorded: Recorded, stream: str) -> Iterator[RecordedFrame]:
    """The frame of each row, in order of rows; one that is missing is that of the nearest row that has one.

    Holds only frames that a later row still needs. Raises NoPicture when no row has one.
    """
    wanted = _filled(recorded.matches(stream))
    if not wanted:
        raise NoPicture(f"{recorded.manifest.episode}: no row has a frame of {stream}")
    frames, ahead = recorded.frames(stream), {}
    for row, seq in enumerate(wanted):
        while seq not in ahead:
            frame = next(frames, None)
            if frame is None:
                raise NoPicture(f"{recorded.manifest.episode}: row {row} wants frame {seq} of {stream}, not there")
            ahead[frame.seq] = frame
        yield ahead[seq]
        if row + 1 < len(wanted) and wanted[row + 1] > seq:
            ahead = {number: frame for number, frame in ahead.items() if number > seq}


def picture(frame: RecordedFrame, *, compressed: bool) -> Picture:
    """Pixels (h, w, 3) RGB of a color frame. Raises NoPicture."""
    if compressed:
        coded = cv2.imdecode(np.frombuffer(CompressedImage.decode(frame.data).data, np.uint8), cv2.IMREAD_COLOR_RGB)
        if coded is None:
            raise NoPicture(f"frame {frame.seq} can't be decoded")
        return coded.astype(np.uint8, copy=False)
    image = Image.decode(frame.data)
    if image.encoding not in _TO_RGB:
        raise NoPicture(f"frame {frame.seq} is {image.encoding}; a video takes {', '.join(_TO_RGB)}")
    channels, turn = _CHANNELS[image.encoding], _TO_RGB[image.encoding]
    rows = np.frombuffer(image.data, np.uint8).reshape(image.height, image.step)[:, : image.width * channels]
    pixels = np.ascontiguousarray(rows).reshape(image.height, image.width, channels)
    return pixels if turn is None else cv2.cvtColor(pixels, turn).astype(np.uint8, copy=False)


def depth_png(frame: RecordedFrame, *, compressed: bool) -> bytes:
    """A depth frame as a 16-bit PNG, mm, 0 = nothing seen; without loss. Raises NoPicture."""
    if compressed:
        return bytes(CompressedImage.decode(frame.data).data)
    image = Image.decode(frame.data)
    if image.encoding not in {"16UC1", "mono16"}:
        raise NoPicture(f"frame {frame.seq} is {image.encoding}; depth is stored from 16UC1")
    order = ">u2" if image.big_endian else "<u2"
    rows = np.frombuffer(image.data, order).reshape(image.height, image.step // 2)[:, : image.width]
    done, png = cv2.imencode(".png", rows.astype(np.uint16))
    if not done:
        raise NoPicture(f"frame {frame.seq} can't be stored as PNG")
    return png.tobytes()


def is_compressed(recorded: Recorded, stream: str) -> bool:
    """Whether a camera's messages hold image files."""
    return recorded.message_type(stream) == _COMPRESSED


def _filled(matches: Sequence[StepMatch]) -> list[int]:
    there = [row for row, match in enumerate(matches) if match.seq >= 0]
    if not there:
        return []
    return [
        matches[min(there, key=lambda k: abs(k - row))].seq if m.seq < 0 else m.seq for row, m in enumerate(matches)
    ]
