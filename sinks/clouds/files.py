"""One cloud as the bytes of a PCD or PLY file, with every field of every point as it was. Pure.

Written by hand, because Open3D keeps only coordinates, colours and normals, and turns what it keeps into float64.
PCD: PCL's "The PCD file format", version 0.7, binary. PLY: Turk, "The PLY polygon file format", 1994, binary.
"""

import re
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from saltwell.contracts.frames import CloudFrame
from saltwell.messages.cloud_layout import points, xyz

_PCD_KINDS = {"i": "I", "u": "U", "f": "F"}
_PLY_NAMES = {
    "i1": "char",
    "u1": "uchar",
    "i2": "short",
    "u2": "ushort",
    "i4": "int",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
}


def pcd(frame: CloudFrame) -> bytes:
    """A PCD file: rows and columns, and points without a return, stay as they are. `frame` passed `check_cloud`."""
    packed = _packed(frame)
    columns = [packed.dtype[name] for name in packed.dtype.names or ()]
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        f"# frame_id {_plain(frame.frame_id)} stamp_ns {frame.captured_ns}",
        "VERSION 0.7",
        f"FIELDS {' '.join(packed.dtype.names or ())}",
        f"SIZE {' '.join(str(c.base.itemsize) for c in columns)}",
        f"TYPE {' '.join(_PCD_KINDS[c.base.kind] for c in columns)}",
        f"COUNT {' '.join(str(max(1, int(np.prod(c.shape)))) for c in columns)}",
        f"WIDTH {frame.width}",
        f"HEIGHT {frame.height}",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {packed.size}",
        "DATA binary",
    ]
    return "\n".join(header).encode() + b"\n" + packed.tobytes()


def ply(frame: CloudFrame) -> bytes:
    """A PLY file of the points with finite coordinates, in one list. `frame` passed `check_cloud`."""
    packed = _packed(frame)[np.isfinite(xyz(frame)).all(axis=1)]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment frame_id {_plain(frame.frame_id)} stamp_ns {frame.captured_ns}",
        f"element vertex {packed.size}",
        *_properties(packed.dtype),
        "end_header",
    ]
    return "\n".join(header).encode() + b"\n" + packed.tobytes()


FORMATS: Mapping[str, Callable[[CloudFrame], bytes]] = {"pcd": pcd, "ply": ply}
"""What a cloud can be written as, by the end of the file's name."""


def _packed(frame: CloudFrame) -> NDArray[np.void]:
    """The points in one row, little-endian, without gaps, under names that a header can hold."""
    of = points(frame)
    names = list(dict.fromkeys(field.name for field in frame.fields))
    kept: np.dtype[np.void] = np.dtype([_column(of.dtype[name], n, name) for n, name in enumerate(names)])
    out = np.empty(of.size, kept)
    for target, name in zip(kept.names or (), names, strict=True):
        out[target] = of[name].reshape(of.size, *of[name].shape[2:])
    return out


def _column(of: np.dtype[np.generic], number: int, name: str) -> tuple[str, str, tuple[int, ...]]:
    plain = _plain(name)
    return plain if plain == name else f"{plain}_{number}", of.base.newbyteorder("<").str, of.shape


def _properties(of: np.dtype[np.void]) -> list[str]:
    """A line for each value of a point."""
    lines = []
    for name in of.names or ():
        kind = _PLY_NAMES[f"{of[name].base.kind}{of[name].base.itemsize}"]
        values = int(np.prod(of[name].shape))
        lines += [f"property {kind} {name}" + (f"_{n}" if of[name].shape else "") for n in range(values)]
    return lines


def _plain(name: str) -> str:
    """A word of letters, digits and underscores."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", name) or "_"
