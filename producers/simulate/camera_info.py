"""sensor_msgs/CameraInfo of a pinhole without distortion."""

import math
from dataclasses import dataclass

import numpy as np

from saltwell.messages.cdr import Writer


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera of MuJoCo's: square pixels, the axis through the middle of the picture."""

    stamp_ns: int
    frame_id: str
    width: int
    height: int
    fovy_deg: float
    """The whole vertical field of view."""

    def encode(self) -> bytes:
        """Write the message; pixel centres have whole coordinates, so the middle is at (width - 1) / 2."""
        focal_px = self.height / 2 / math.tan(math.radians(self.fovy_deg) / 2)
        k = np.array([[focal_px, 0, (self.width - 1) / 2], [0, focal_px, (self.height - 1) / 2], [0, 0, 1]])
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        w.uint32(self.height)
        w.uint32(self.width)
        w.string("plumb_bob")
        w.doubles(np.zeros(5), counted=True)
        w.doubles(k.ravel(), counted=False)
        w.doubles(np.eye(3).ravel(), counted=False)
        w.doubles(np.hstack([k, np.zeros((3, 1))]).ravel(), counted=False)
        for _ in range(2 + 4):  # binning x and y; region of interest x, y, height, width
            w.uint32(0)
        w.uint8(0)  # do_rectify
        return w.done()
