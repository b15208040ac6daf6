"""A folder of PCD and PLY files as a recording of clouds, read by Open3D.

A file's name ends with its time: ns (16 digits or more), or s with a decimal point, after anything that is no digit.
`saltwell clouds export` names files so. What stands before it, without a number of its own, names the stream: all of
`torso_points-000003-1767225600313000000.pcd` ... are of /torso_points. Where names tell no times, a file clouds.toml in
the folder says `rate_hz`, and time begins at 1 s; it may also say `frame_id`.
"""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from producers.replay.recorded import RecordedMessage, RecordedStream
from saltwell.contracts.frames import PointField
from saltwell.errors import StopError
from saltwell.messages.cdr import MAX_MESSAGE_BYTES
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.definitions import POINT_CLOUD_2

SUFFIXES = (".pcd", ".ply")
SETTINGS_NAME = "clouds.toml"

_NAME = re.compile(r"(?P<stream>.*?)(?:[-_]\d+)??[-_]?(?P<time>\d{16,19}|\d+\.\d+)")
_MAX_RATE_HZ = 1000.0
_NS = 1_000_000_000
_END_NS = 2**31 * _NS
_DATATYPES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}
_ORGANISED = re.compile(rb"^WIDTH (\d+)\s+HEIGHT (\d+)\s", re.MULTILINE)
_HEADER_BYTES = 2048


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    stream: str
    time_ns: int
    derived: bool = False


def is_cloud_folder(path: Path) -> bool:
    """Whether a folder holds PCD or PLY files."""
    return path.is_dir() and any(file.suffix.lower() in SUFFIXES for file in path.iterdir())


class CloudFolder:
    """The clouds of a folder in the order of their times; arrival is capture. One file at a time is in memory."""

    def __init__(self, path: Path) -> None:
        """StopError for names without times where no rate is given, and when Open3D is not there."""
        self._open3d = _open3d()
        self.paths, self.about = [path], dict[str, str]()
        self._settings = _settings(path)
        paths = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        self._files = sorted((self._file(n, file) for n, file in enumerate(paths)), key=lambda f: (f.time_ns, f.path))
        self.count = len(self._files)
        seconds = (self._files[-1].time_ns - self._files[0].time_ns) / _NS
        self.streams = [self._stream(name, seconds) for name in sorted({file.stream for file in self._files})]

    def messages(self) -> Iterator[RecordedMessage]:
        """All clouds in order of time; one that can't be read has no data."""
        for file in self._files:
            yield RecordedMessage(file.stream, file.time_ns, self._message(file))

    def close(self) -> None:
        """Nothing is open."""

    def _file(self, number: int, path: Path) -> _File:
        match = _NAME.fullmatch(path.stem)
        if match is not None:
            said = match["time"]
            time_ns = round(float(said) * _NS) if "." in said else int(said)
            if 0 < time_ns < _END_NS:
                return _File(path, f"/{match['stream'].strip('-_') or 'points'}", time_ns)
        rate_hz = self._settings.get("rate_hz")
        if rate_hz is None:
            raise StopError(
                f"{path}: its name ends with no time in ns or s, 1970 to 2038; rename it, or write "
                f"rate_hz = 10 into {SETTINGS_NAME}"
            )
        return _File(path, "/points", _NS + round(number * _NS / rate_hz), derived=True)

    def _stream(self, name: str, seconds: float) -> RecordedStream:
        count = sum(file.stream == name for file in self._files)
        return RecordedStream(
            name=name,
            message_type="sensor_msgs/msg/PointCloud2",
            message_encoding="cdr",
            schema_encoding="ros2msg",
            schema=POINT_CLOUD_2,
            metadata={},
            rate_hz=count / seconds if seconds > 0 else 0.0,
            derived=any(file.derived for file in self._files if file.stream == name),
        )

    def _message(self, file: _File) -> bytes:
        if file.path.stat().st_size > MAX_MESSAGE_BYTES:
            return b""
        cloud = self._open3d.t.io.read_point_cloud(str(file.path)).point
        if "positions" not in cloud:
            return b""
        columns = {name: np.atleast_2d(cloud[name].numpy().T).T for name in sorted(cloud, key=_positions_first)}
        return _encoded(columns, file, self._settings.get("frame_id", ""))


def _encoded(columns: Mapping[str, NDArray[Any]], file: _File, frame_id: str) -> bytes:
    layout, fields = [], []
    for name, values in columns.items():
        for axis, label in enumerate("xyz") if name == "positions" else [(slice(None), name)]:
            column = values[:, axis] if values.shape[1] > 1 else values[:, 0]
            kind = column.dtype.str[1:] if column.dtype.str[1:] in _DATATYPES else "f8"
            layout.append((label, f"<{kind}", column.shape[1:]))
            fields.append(column)
    points = np.zeros(len(fields[0]), np.dtype(layout))
    for (label, _, _), column in zip(layout, fields, strict=True):
        points[label] = column
    height, width = _shape(file.path, len(points))
    return PointCloud2(
        stamp_ns=file.time_ns,
        frame_id=frame_id,
        height=height,
        width=width,
        fields=tuple(_field(points.dtype, label) for label, _, _ in layout),
        big_endian=False,
        point_step=points.dtype.itemsize,
        row_step=points.dtype.itemsize * width,
        data=points.tobytes(),
        dense=False,
    ).encode()


def _field(layout: np.dtype[np.void], name: str) -> PointField:
    column, offset = layout[name], layout.fields[name][1] if layout.fields else 0
    return PointField(name, offset, _DATATYPES[column.base.str[1:]], int(np.prod(column.shape)))


def _shape(path: Path, points: int) -> tuple[int, int]:
    """Rows and columns, where a PCD file says so; Open3D gives points in one list."""
    with path.open("rb") as file:
        said = _ORGANISED.search(file.read(_HEADER_BYTES))
    if path.suffix.lower() == ".pcd" and said and int(said[1]) * int(said[2]) == points:
        return int(said[2]), int(said[1])
    return 1, points


def _positions_first(name: str) -> tuple[bool, str]:
    return name != "positions", name


def _settings(folder: Path) -> dict[str, Any]:
    path = folder / SETTINGS_NAME
    if not path.exists():
        return {}
    settings = tomllib.loads(path.read_text(encoding="utf-8"))
    rate_hz, frame_id = settings.get("rate_hz", 1.0), settings.get("frame_id", "")
    if unknown := settings.keys() - {"rate_hz", "frame_id"}:
        raise StopError(f"{path}: {min(unknown)} is not known; known are rate_hz and frame_id")
    if not (isinstance(rate_hz, int | float) and 0 < rate_hz <= _MAX_RATE_HZ and math.isfinite(rate_hz)):
        raise StopError(f"{path}: rate_hz is {rate_hz!r}; give a number, more than 0, at most {_MAX_RATE_HZ:.0f}")
    if not isinstance(frame_id, str):
        raise StopError(f"{path}: frame_id is {frame_id!r}; give a name in quotes")
    return settings


def _open3d() -> ModuleType:
    try:
        import open3d  # noqa: PLC0415 - only who plays files of clouds needs it
    except (ImportError, OSError) as error:
        raise StopError(
            f"PCD and PLY files are read by Open3D ({error}); pip install 'saltwell[processors]'"
        ) from error
    return open3d
