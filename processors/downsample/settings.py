"""How clouds are made smaller, stream by stream: a small TOML file, checked whole before the first cloud comes.

[default]                       # every stream of clouds
voxel_m = 0.05

[streams."/torso/points"]       # what is different for one
near_m = 0.3
deskew_pose = "/torso/pose"

[streams."/chest/depth"]        # a depth stream is made clouds only when it stands here
camera_info = "/chest/camera_info"
voxel_m = 0.02
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from processors.downsample.voxels import INDEX_LIMIT, MAX_POINTS, Crop
from saltwell.errors import StopError
from saltwell.messages.cloud_points import MAX_STEPS

_MAX_FILE_BYTES = 1024 * 1024
_HERE = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_DEPTH_MIN_POINTS = 3


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """What is done with the clouds of one stream, in this order."""

    deskew_pose: str = ""
    """Name of a pose stream; points of a scan are moved to where they were at its stamp. Empty = they are not."""

    sensor_in_body: tuple[float, ...] = _HERE
    """Where the sensor is in the frame of the posed body: x y z m, quaternion x y z w."""

    camera_info: str = ""
    """Name of the stream with a depth camera's calibration; empty = no clouds are made of its images."""

    box_min_m: tuple[float, ...] = (-math.inf,) * 3
    box_max_m: tuple[float, ...] = (math.inf,) * 3
    near_m: float = 0.0
    far_m: float = math.inf
    """Points outside the box, up to `near_m` or farther than `far_m` from the sensor are left out; sensor's axes."""

    voxel_m: float = 0.05
    min_points: int = 1
    """Voxels of fewer points are left out; a depth stream has 3 unless told otherwise."""

    outlier_neighbours: int = 0
    outlier_sigmas: float = 2.0
    """Statistical outlier removal by so many neighbours; 0 = none."""

    farthest: int = 0
    """Farthest-point sample to so many points; 0 = all."""

    step_m: float = 0.001
    """What coordinates are rounded to."""

    @property
    def crop(self) -> Crop:
        """Which points count."""
        (x0, y0, z0), (x1, y1, z1) = self.box_min_m, self.box_max_m
        return Crop((x0, y0, z0), (x1, y1, z1), self.near_m, self.far_m)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings by stream; a stream that is not named has the default's."""

    default: StreamSettings = field(default_factory=StreamSettings)
    streams: Mapping[str, StreamSettings] = field(default_factory=dict)

    def of(self, stream: str) -> StreamSettings:
        """The settings of a stream of clouds or depth images."""
        return self.streams.get(stream, self.default)

    def all(self) -> tuple[StreamSettings, ...]:
        """Every settings there are."""
        return (self.default, *self.streams.values())


def load_settings(path: Path | None, *, base: StreamSettings) -> Settings:
    """Settings of a file (None = none), over the base; StopError in one line for what it can't be."""
    if path is None:
        return Settings(_checked("the options", base))
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_FILE_BYTES).decode()
        values = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise StopError(f"{path}: no settings of clouds can be read: {error}") from error
    _only(path, "", values, ("default", "streams"))
    default = _table(path, "default", values.get("default", {}), base)
    if default.camera_info or default.deskew_pose:
        raise StopError(f"{path}: default names a camera_info or deskew_pose; name them for a stream of [streams]")
    streams = values.get("streams", {})
    if not isinstance(streams, dict):
        raise StopError(f'{path}: streams is {streams!r}; write sections [streams."/name"]')
    return Settings(default, {name: _stream(path, name, table, default) for name, table in streams.items()})


def _stream(path: Path, name: str, table: Any, default: StreamSettings) -> StreamSettings:
    where = f'streams."{name}"'
    is_depth = isinstance(table, dict) and "camera_info" in table
    base = replace(default, min_points=max(default.min_points, _DEPTH_MIN_POINTS)) if is_depth else default
    found = _table(path, where, table, base)
    if found.camera_info and found.deskew_pose:
        raise StopError(f"{path}: {where} has camera_info and deskew_pose; a depth image is taken at one moment")
    return found


def _table(path: Path, where: str, table: Any, base: StreamSettings) -> StreamSettings:
    if not isinstance(table, dict):
        raise StopError(f"{path}: {where} is {table!r}; make it a section")
    _only(path, f"{where}.", table, [f.name for f in fields(StreamSettings)])
    values = {name: _value(f"{path}: {where}.{name}", name, value) for name, value in table.items()}
    return _checked(f"{path}: {where}", replace(base, **values))


def _only(path: Path, where: str, table: Mapping[str, Any], known: Any) -> None:
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            raise StopError(f"{path}: {where}{name} is not known; {hint}")


def _value(where: str, name: str, value: Any) -> Any:
    """A value of the type of its field: floats may be written as whole numbers, tuples are lists."""
    kind = type(getattr(StreamSettings(), name))
    if kind is tuple:
        size = len(getattr(StreamSettings(), name))
        if not isinstance(value, list) or len(value) != size or not all(_is_number(v) for v in value):
            raise StopError(f"{where} is {value!r}; give a list of {size} numbers")
        return tuple(float(v) for v in value)
    if not (_is_number(value) if kind is float else type(value) is kind):
        wanted = {float: "a number", int: "a whole number", str: "the name of a stream"}[kind]
        raise StopError(f"{where} is {value!r}; give {wanted}")
    return float(value) if kind is float else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _checked(where: str, of: StreamSettings) -> StreamSettings:
    """The settings; StopError for those that no cloud could be made with."""
    wrong = {
        "step_m": not 0 < of.step_m <= 1 and "give what coordinates are rounded to, more than 0, at most 1 m",
        "voxel_m": not of.step_m <= of.voxel_m <= _largest_voxel_m(of)
        and f"give the edge of a voxel, {of.step_m} to {_largest_voxel_m(of):.4g} m (by step_m)",
        "min_points": not 1 <= of.min_points <= MAX_POINTS and "give 1 or more",
        "near_m": not 0 <= of.near_m < of.far_m and "give 0 or more, and less than far_m",
        "box_min_m": any(a > b for a, b in zip(of.box_min_m, of.box_max_m, strict=True))
        and "give nothing above box_max_m",
        "outlier_neighbours": not 0 <= of.outlier_neighbours <= 1000 and "give 1 to 1000, 0 = none",  # noqa: PLR2004
        "outlier_sigmas": not 0 < of.outlier_sigmas < math.inf and "give standard deviations, more than 0",
        "farthest": not 0 <= of.farthest <= MAX_POINTS and "give the number of points to keep, 0 = all",
        "sensor_in_body": abs(math.hypot(*of.sensor_in_body[3:]) - 1) > 1e-3  # noqa: PLR2004 # as written by hand
        and "its last four numbers are no unit quaternion",
    }
    for name, remedy in wrong.items():
        if remedy:
            raise StopError(f"{where}: {name} is {getattr(of, name)}; {remedy}")
    return of


def _largest_voxel_m(of: StreamSettings) -> float:
    """So that every place on the grid of voxels has its whole steps."""
    return of.step_m * MAX_STEPS / INDEX_LIMIT
