"""Columns of a training table, named and shaped as LeRobot wants them. Pure.

Names hold no slash: `/wrist_left/color` stands as `wrist_left_color`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one feature: shape (rows,) or (rows, ...); `names` are those of the last axis, none for a scalar."""

    values: npt.NDArray[Any]
    names: Sequence[str] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row's value; a scalar is (1,)."""
        return self.values.shape[1:] or (1,)

    def spec(self) -> dict[str, Any]:
        """The feature as info.json describes it."""
        names = list(self.names) if len(self.shape) == 1 and self.names else None
        return {"dtype": str(self.values.dtype), "shape": list(self.shape), "names": names}


@dataclass(frozen=True, slots=True)
class VideoSpec:
    """What info.json says of a camera."""

    height: int
    width: int
    codec: str
    pix_fmt: str
    fps: int

    def spec(self) -> dict[str, Any]:
        """The feature as info.json describes it."""
        return {
            "dtype": "video",
            "shape": [self.height, self.width, 3],
            "names": ["height", "width", "channels"],
            "info": {
                "video.height": self.height,
                "video.width": self.width,
                "video.codec": self.codec,
                "video.pix_fmt": self.pix_fmt,
                "video.fps": self.fps,
                "video.channels": 3,
                "has_audio": False,
                "is_depth_map": False,
            },
        }


def plain(stream: str) -> str:
    """A stream's name as part of a feature's."""
    return stream.strip("/").replace("/", "_")


def image_key(stream: str) -> str:
    """Feature of a camera."""
    return f"observation.images.{plain(stream)}"


def stats_of(columns: Mapping[str, Column]) -> dict[str, dict[str, list[Any]]]:
    """Statistics of each numeric feature over the rows, as LeRobot's stats.json has them."""
    return {name: _stats(column) for name, column in columns.items()}


def _stats(column: Column) -> dict[str, list[Any]]:
    values = column.values.reshape(len(column.values), *column.shape).astype(np.float64)
    q01, q10, q50, q90, q99 = np.quantile(values, [0.01, 0.10, 0.50, 0.90, 0.99], axis=0)
    found = {
        "min": values.min(axis=0),
        "max": values.max(axis=0),
        "mean": values.mean(axis=0),
        "std": values.std(axis=0),
        "q01": q01,
        "q10": q10,
        "q50": q50,
        "q90": q90,
        "q99": q99,
    }
    return {**{name: of.tolist() for name, of in found.items()}, "count": [len(values)]}
