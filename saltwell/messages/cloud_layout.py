"""Points of any layout as arrays. Pure."""

import numpy as np
import numpy.typing as npt

from saltwell.contracts.frames import CloudFrame

_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}

Float32s = npt.NDArray[np.float32]


def channel(frame: CloudFrame, name: str) -> Float32s | None:
    """One field of every point, shape (n,) float32; None when the cloud has no such field.

    The frame must have passed `check_cloud`. Gaps, unaligned offsets and row padding are allowed.
    """
    field = next((f for f in frame.fields if f.name == name), None)
    if field is None:
        return None
    kind = (">" if frame.big_endian else "<") + _DTYPES[field.datatype]
    layout = np.dtype({"names": [name], "formats": [kind], "offsets": [field.offset], "itemsize": frame.point_step})
    rows = np.frombuffer(frame.payload, np.uint8).reshape(frame.height, frame.row_step)
    points = np.ascontiguousarray(rows[:, : frame.point_step * frame.width]).view(layout)
    return points[name].reshape(-1).astype(np.float32)


def xyz(frame: CloudFrame) -> Float32s:
    """Positions, shape (n, 3) float32, m, in the frame's frame_id; NaN where a coordinate is missing."""
    n = frame.height * frame.width
    columns = [channel(frame, axis) for axis in "xyz"]
    return np.stack([np.full(n, np.nan, np.float32) if c is None else c for c in columns], axis=1)
