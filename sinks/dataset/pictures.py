"""The picture of a camera at each row, decoded."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from saltwell.errors import SkipRecordError
from saltwell.messages.image import CompressedImage, Image
from sinks.dataset.interpolate import nearest_known
from sinks.dataset.recorded import Recorded, RecordedFrame
from sinks.episodes.annotations import StepMatch

Picture = npt.NDArray[np.uint8]
DepthMap = npt.NDArray[np.uint16]

MAX_HELD_BYTES = 256 * 1024 * 1024
"""Most bytes of frames, as the archive has them, that wait for their rows."""

_TO_RGB = {"rgb8": None, "bgr8": cv2.COLOR_BGR2RGB, "mono8": cv2.COLOR_GRAY2RGB}
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1}
_COMPRESSED = "sensor_msgs/msg/CompressedImage"


class NoPicture(SkipRecordError):
    """A row that has no picture, or one that can't be decoded."""


def frames_of_rows(recorded: Recorded, stream: str) -> Iterator[RecordedFrame]:
    """The frame of each row, in order of rows; one that is missing is that of the nearest row that has one.

    Holds only frames that this row or a later one needs; where rows and arrivals go in other orders they are several.
    Raises NoPicture when no row has a frame, one is not there, or too much would have to be held.
    """
    episode, wanted = recorded.manifest.episode, _filled(recorded.matches(stream))
    if not wanted:
        raise NoPicture(f"{episode}: no row has a frame of {stream}")
    last_row = {seq: row for row, seq in enumerate(wanted)}
    frames, held, held_bytes = recorded.frames(stream), dict[int, RecordedFrame](), 0
    for row, seq in enumerate(wanted):
        while seq not in held:
            frame = next(frames, None)
            if frame is None or held_bytes > MAX_HELD_BYTES:
                why = "which is not there" if frame is None else f"{held_bytes} bytes behind that of the row before"
                raise NoPicture(f"{episode}: row {row} wants frame {seq} of {stream}, {why}")
            if frame.seq not in held and last_row.get(frame.seq, -1) >= row:
                held[frame.seq] = frame
                held_bytes += len(frame.data)
        yield held[seq]
        if last_row[seq] == row:
            held_bytes -= len(held.pop(seq).data)


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
    seqs = np.array([match.seq for match in matches], dtype=np.int64)
    known = seqs >= 0
    filled: list[int] = seqs[nearest_known(known)].tolist() if known.any() else []
    return filled
