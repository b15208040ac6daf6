"""A light reader of LeRobot v3 datasets, by the format alone: what a trainer would get, without torch.

It believes nothing of ours: it reads info.json, the episodes and the files that they name, as LeRobotDataset does.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import av
import av.error
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from saltwell.errors import SkipRecordError, StopError
from sinks.dataset.pictures import Picture
from sinks.store import Store
from sinks.store_errors import NotInStore

_TOLERANCE_S = 1e-4


class WrongDataset(SkipRecordError):
    """A dataset that a trainer could not read, or would read wrongly."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with its decoded pictures, by feature."""

    values: Mapping[str, Any]
    pictures: Mapping[str, Picture]


class DatasetReader:
    """Raises StopError when there is no dataset, WrongDataset when it does not fit together."""

    def __init__(self, root: Store) -> None:
        self.root = root
        try:
            self.info = json.loads(root.get("meta/info.json"))
        except (NotInStore, ValueError) as error:
            raise StopError(f"{root.url} holds no LeRobot dataset: {error}") from error
        if self.info.get("codebase_version") != "v3.0":
            raise StopError(f"{root.url} is a LeRobot dataset {self.info.get('codebase_version')}; this reads v3.0")
        files = sorted(key for key in root.list("meta/episodes") if key.endswith(".parquet"))
        self.episodes = [row for file in files for row in self._table(file).to_pylist()]
        self.cameras = [name for name, feature in self.info["features"].items() if feature["dtype"] == "video"]

    def rows(self, number: int) -> Iterator[Row]:
        """The rows of an episode with their pictures, in order; holds the pictures of one row at a time."""
        episode = self.episodes[number]
        values = self._values(episode)
        videos = {camera: self._video(episode, camera) for camera in self.cameras}
        for i, row in enumerate(values):
            pictures = {}
            for camera, frames in videos.items():
                frame = next(frames, None)
                if frame is None:
                    raise WrongDataset(f"episode {number}: {i} frames of {camera} for {len(values)} rows")
                time_s, pictures[camera] = frame
                if abs(time_s - row["timestamp"]) > _TOLERANCE_S + _float32_error(row["timestamp"]):
                    raise WrongDataset(f"episode {number}: row {i} is at {row['timestamp']} s, {camera} at {time_s} s")
            yield Row(row, pictures)
        for camera, frames in videos.items():
            if next(frames, None) is not None:
                raise WrongDataset(f"episode {number}: more frames of {camera} than its {len(values)} rows")

    def problems(self) -> Iterator[str]:
        """What does not fit together in the index; rows and pictures are for `rows` to check."""
        index = 0
        for number, episode in enumerate(self.episodes):
            if episode["episode_index"] != number:
                yield f"meta/episodes has episode {episode['episode_index']} at place {number}"
            if (episode["dataset_from_index"], episode["dataset_to_index"]) != (index, index + episode["length"]):
                yield f"episode {number} is said to begin at row {episode['dataset_from_index']}, not {index}"
            index += episode["length"]
        for name, found in (("total_episodes", len(self.episodes)), ("total_frames", index)):
            if self.info[name] != found:
                yield f"info.json says {name} {self.info[name]}; there are {found}"

    def _values(self, episode: Mapping[str, Any]) -> list[dict[str, Any]]:
        key = self.info["data_path"].format(
            chunk_index=episode["data/chunk_index"], file_index=episode["data/file_index"]
        )
        table = self._table(key)
        rows = [row for row in table.to_pylist() if row["episode_index"] == episode["episode_index"]]
        if len(rows) != episode["length"]:
            raise WrongDataset(f"{key} has {len(rows)} rows of episode {episode['episode_index']}")
        wanted = {name for name, feature in self.info["features"].items() if feature["dtype"] != "video"}
        if rows and rows[0].keys() != wanted:
            raise WrongDataset(f"{key} has other columns than info.json: {sorted(rows[0].keys() ^ wanted)[:5]}")
        return rows

    def _video(self, episode: Mapping[str, Any], camera: str) -> Iterator[tuple[float, Picture]]:
        key = self.info["video_path"].format(
            video_key=camera,
            chunk_index=episode[f"videos/{camera}/chunk_index"],
            file_index=episode[f"videos/{camera}/file_index"],
        )
        begin_s, end_s = episode[f"videos/{camera}/from_timestamp"], episode[f"videos/{camera}/to_timestamp"]
        try:
            with self.root.open(key) as data, av.open(data, "r") as file:
                for frame in file.decode(video=0):
                    time_s = float(frame.time or 0.0)
                    if begin_s - _TOLERANCE_S <= time_s < end_s - _TOLERANCE_S:
                        yield time_s - begin_s, frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        except (NotInStore, av.error.FFmpegError) as error:
            raise WrongDataset(f"{key} can't be read: {error}") from error

    def _table(self, key: str) -> pa.Table:
        try:
            with self.root.open(key) as data:
                return pq.read_table(data)
        except (NotInStore, pa.ArrowException) as error:
            raise WrongDataset(f"{key} can't be read: {error}") from error


def _float32_error(value: float) -> float:
    """What a time stored as float32 may be off by."""
    return float(np.spacing(np.float32(value)))
