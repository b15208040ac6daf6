"""Points of any layout as arrays: gaps, odd offsets, either byte order, padded rows. Pure.

Every function takes a frame that has passed `check_cloud`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from saltwell.contracts.frames import CloudFrame, PointField

_DTYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}

Float32s = npt.NDArray[np.float32]
Points = npt.NDArray[np.void]


def points(frame: CloudFrame) -> Points:
    """View of the points, shape (height, width), as a structured array of the cloud's own fields and types.

    A field of several values a point has shape (height, width, count). Of fields of one name the first counts.
    """
    fields = {f.name: f for f in reversed(frame.fields)}
    layout: np.dtype[np.void] = np.dtype(
        {
            "names": list(fields),
            "formats": [_format(f, big_endian=frame.big_endian) for f in fields.values()],
            "offsets": [f.offset for f in fields.values()],
            "itemsize": frame.point_step,
        }
    )
    shape, strides = (frame.height, frame.width), (frame.row_step, frame.point_step)
    return np.ndarray(shape, layout, frame.payload, strides=strides)


def channel(frame: CloudFrame, name: str) -> Float32s | None:
    """One field of every point, shape (n,) float32; None when the cloud has no such field.

    Of a field of several values the first is taken. float64 beyond float32 becomes inf.
    """
    return _channel(points(frame), name)


def xyz(frame: CloudFrame) -> Float32s:
    """Positions, shape (n, 3) float32, m, in the frame's frame_id; NaN where a coordinate is missing."""
    of = points(frame)
    columns = [_channel(of, axis) for axis in "xyz"]
    return np.stack([np.full(of.size, np.nan, np.float32) if c is None else c for c in columns], axis=1)


def _channel(of: Points, name: str) -> Float32s | None:
    if name not in (of.dtype.names or ()):
        return None
    values = of[name]
    first = values if values.ndim == of.ndim else values[..., 0]
    with np.errstate(over="ignore", invalid="ignore"):
        return first.astype(np.float32).reshape(-1)


def _format(field: PointField, *, big_endian: bool) -> Any:
    value = (">" if big_endian else "<") + _DTYPES[field.datatype]
    return (value, (field.count,)) if field.count > 1 else value
