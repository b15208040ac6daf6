"""sensor_msgs/CameraInfo: how a camera projects."""

from dataclasses import dataclass

from saltwell.contracts.columns import Float64s
from saltwell.messages.cdr import Reader


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A calibration for images of `width` x `height` pixels.

    `k` is the 3 x 3 camera matrix, row by row, shape (9,), pixels; `d` the distortion by `distortion_model`. A pixel's
    centre has whole coordinates. What the message says of binning, regions and rectification is passed over.
    """

    height: int
    width: int
    distortion_model: str
    d: Float64s
    k: Float64s

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "CameraInfo":
        """Read a message."""
        r = Reader(data)
        r.stamp_ns()
        r.string()
        info = cls(r.uint32(), r.uint32(), r.string(), r.doubles(), r.doubles(9))
        r.doubles(9 + 12)  # rectification and projection matrices
        for _ in range(2 + 4):  # binning x and y; region of interest x, y, height, width
            r.uint32()
        r.boolean()
        r.end()
        return info
