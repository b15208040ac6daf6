"""One constant-rate mp4 a camera: frame k stands at exactly k/fps. Written once, then read back and compared."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Literal, cast

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from saltwell.errors import RetryError, SkipRecordError
from sinks.dataset.features import VideoSpec
from sinks.dataset.pictures import Picture

Codec = Literal["h264", "av1"]

_ENCODERS = {"h264": "libx264", "av1": "libsvtav1"}
_OPTIONS = {
    "h264": {"crf": "21", "preset": "veryfast", "g": "2", "bf": "0"},
    "av1": {"crf": "30", "preset": "12", "g": "2"},
}
"""Two frames a group, as LeRobot's own writer has it: training reads frames at random."""

_TOLERANCE_S = 1e-4
"""LeRobot's own tolerance for a frame's time."""

_FINGERPRINT = 8
_SAME = 12.0
"""Mean difference of two fingerprints of one frame, in grey levels, is below this: coding changes less than 4."""

Fingerprints = NDArray[np.uint8]


class WrongVideo(SkipRecordError):
    """A video that is not what was put into it."""


@dataclass(frozen=True, slots=True)
class Video:
    """A written video: what info.json says of it, and a fingerprint of each frame, (rows, 64) grey levels."""

    spec: VideoSpec
    fingerprints: Fingerprints


def write_video(path: Path, pictures: Iterable[Picture], *, fps: int, codec: Codec = "h264") -> Video:
    """Encode the pictures, all of one size, and check that the file gives them back. Raises WrongVideo."""
    remaining = iter(pictures)
    first = next(remaining, None)
    if first is None:
        raise WrongVideo(f"{path.name}: no frames")
    height, width, _ = first.shape
    pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    prints = []
    with _said(path.name, "encoded"), av.open(path, "w", options={"movflags": "+faststart"}) as file:
        stream = cast("av.VideoStream", file.add_stream(_ENCODERS[codec], rate=fps, options=_OPTIONS[codec]))
        stream.height, stream.width, stream.pix_fmt = height, width, pix_fmt
        for number, pixels in enumerate(chain([first], remaining)):
            if pixels.shape != first.shape:
                raise WrongVideo(f"{path.name}: frame {number} is of another size than the first")
            prints.append(fingerprint(pixels))
            file.mux(stream.encode(_frame(pixels, number, fps)))
        file.mux(stream.encode())
    video = Video(VideoSpec(height, width, codec, pix_fmt, fps), np.array(prints))
    check_video(path, video.fingerprints, fps=fps)
    return video


def check_video(path: Path, fingerprints: Fingerprints, *, fps: int) -> None:
    """Read every frame; WrongVideo says which is missing, too much, elsewhere or another."""
    seen = 0
    for seen, (time_s, found) in enumerate(_frames(path), start=1):
        row = seen - 1
        if row >= len(fingerprints):
            continue
        if abs(time_s - row / fps) > _TOLERANCE_S:
            raise WrongVideo(f"{path.name}: frame {row} stands at {time_s:.4f} s, not at {row / fps:.4f} s")
        if _difference(found, fingerprints[row]) > _SAME:
            raise WrongVideo(f"{path.name}: frame {row} {_what(found, fingerprints, row)}")
    if seen != len(fingerprints):
        raise WrongVideo(f"{path.name}: {seen} frames for {len(fingerprints)} rows")


def fingerprint(pixels: Picture) -> Fingerprints:
    """Mean grey level of 8 x 8 fields: (64,)."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    fields = cv2.resize(grey, (_FINGERPRINT, _FINGERPRINT), interpolation=cv2.INTER_AREA)
    return fields.reshape(-1).astype(np.uint8, copy=False)


def _frame(pixels: Picture, number: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    frame.pts, frame.time_base = number, Fraction(1, fps)
    return frame


def _frames(path: Path) -> Iterator[tuple[float, Fingerprints]]:
    with _said(path.name, "decoded"), av.open(path) as file:
        for frame in file.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
            yield float(frame.time or 0.0), fingerprint(pixels)


@contextmanager
def _said(name: str, doing: str) -> Iterator[None]:
    """FFmpeg raises one class for a video it can't make or read, and for a disk that is full: another try may do."""
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise RetryError(f"{name} can't be {doing}: {error.strerror}; make room in the temporary folder") from error
        raise WrongVideo(f"{name} can't be {doing}: {error}") from error


def _what(found: Fingerprints, fingerprints: Fingerprints, row: int) -> str:
    after = fingerprints[row + 1 :]
    hits = [k for k, other in enumerate(after, start=1) if _difference(found, other) <= _SAME]
    return f"is missing: frame {row + hits[0]} stands in its place" if hits else "shows something else"


def _difference(one: Fingerprints, other: Fingerprints) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
