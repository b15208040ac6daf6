"""What a LeRobot dataset, v2.1 or v3.0, says of itself: its features, its episodes, and where their files lie."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from saltwell.errors import StopError

INFO = "meta/info.json"

MAX_META_BYTES = 64 * 1024 * 1024
"""Largest file of meta that is read."""

MAX_EPISODES = 1_000_000
MAX_ROWS = 1_000_000
"""Most rows of an episode: nine hours at 30 a second."""

_MAX_FPS = 1000
_VERSIONS = ("v2.1", "v3.0")
_FIELD = re.compile(r"\{(\w+)(?::0?(\d{1,2})d)?\}")


@dataclass(frozen=True, slots=True)
class VideoPart:
    """Where a camera's frames of an episode are: the file, and from which second of it; alone in it or not."""

    path: Path
    begin_s: float
    alone: bool


@dataclass(frozen=True, slots=True)
class DatasetEpisode:
    """One episode: `data` has its rows, `videos` the frames of each video feature."""

    index: int
    rows: int
    task: str
    data: Path
    videos: Mapping[str, VideoPart]

    def files(self) -> list[Path]:
        """All files that hold something of it."""
        return sorted({self.data, *(video.path for video in self.videos.values())})


class DatasetIndex:
    """Raises StopError in one line for what is no such dataset, or one that contradicts itself."""

    def __init__(self, root: Path) -> None:
        self.root = root
        info = json.loads(_bounded(root / INFO))
        self.version = str(info.get("codebase_version"))
        if self.version not in _VERSIONS:
            raise StopError(f"{root}: a LeRobot dataset {self.version[:20]}; {' and '.join(_VERSIONS)} are played")
        self.fps = _whole(info["fps"], "fps", 1, _MAX_FPS)
        self.features: Mapping[str, Mapping[str, Any]] = info["features"]
        self.videos = sorted(name for name, feature in self.features.items() if feature["dtype"] == "video")
        self._chunk = _whole(info.get("chunks_size", 1000), "chunks_size", 1, MAX_EPISODES)
        self._data_path, self._video_path = str(info["data_path"]), str(info.get("video_path"))
        said = self._said_in_lines() if self.version == "v2.1" else self._said_in_tables()
        self._said = {_whole(row["episode_index"], "episode_index", 0, MAX_EPISODES): row for row in said}

    @property
    def episodes(self) -> Sequence[int]:
        """Numbers of all episodes."""
        return sorted(self._said)

    def episode(self, index: int) -> DatasetEpisode:
        """One of them; StopError when there is none of that number."""
        if index not in self._said:
            raise StopError(f"{self.root}: no episode {index}; there are {len(self._said)}, from {self._range()}")
        row = self._said[index]
        tasks = "; ".join(str(task) for task in row.get("tasks") or ())
        length = _whole(row["length"], f"length of episode {index}", 1, MAX_ROWS)
        data = self._path(self._data_path, index, row, "data")
        videos = {name: self._video(name, index, row) for name in self.videos}
        return DatasetEpisode(index, length, tasks, data, videos)

    def _range(self) -> str:
        return f"{self.episodes[0]} to {self.episodes[-1]}" if self._said else "nothing to nothing"

    def _video(self, name: str, index: int, row: Mapping[str, Any]) -> VideoPart:
        path = self._path(self._video_path, index, row, f"videos/{name}", video_key=name)
        return VideoPart(path, float(row.get(f"videos/{name}/from_timestamp", 0.0)), self.version == "v2.1")

    def _path(self, template: str, index: int, row: Mapping[str, Any], where: str, **more: str) -> Path:
        values: dict[str, Any] = {"episode_index": index, "episode_chunk": index // self._chunk, **more}
        if self.version != "v2.1":
            values |= {name: int(row[f"{where}/{name}"]) for name in ("chunk_index", "file_index")}
        relative = PurePosixPath(_filled(template, values))
        if relative.is_absolute() or ".." in relative.parts:
            raise StopError(f"{self.root}: episode {index} is said to lie outside of the dataset, at {relative}")
        return self.root / relative

    def _said_in_lines(self) -> Iterator[Mapping[str, Any]]:
        for line in _bounded(self.root / "meta/episodes.jsonl").splitlines():
            if line.strip():
                yield json.loads(line)

    def _said_in_tables(self) -> Iterator[Mapping[str, Any]]:
        for path in sorted(self.root.glob("meta/episodes/*/*.parquet")):
            _bounded_size(path)
            file = pq.ParquetFile(path)
            names = [name for name in file.schema_arrow.names if not name.startswith("stats/")]
            if file.metadata.num_rows > MAX_EPISODES:
                raise StopError(f"{path}: {file.metadata.num_rows} episodes; at most {MAX_EPISODES} are taken")
            for batch in file.iter_batches(1000, columns=names):
                yield from batch.to_pylist()


def _filled(template: str, values: Mapping[str, Any]) -> str:
    """`{name}` and `{name:03d}` filled in; no more of what Python's formats can do, as the template is not ours."""

    def value(match: re.Match[str]) -> str:
        found = values[match[1]]
        return f"{found:0{int(match[2])}d}" if match[2] else str(found)

    return _FIELD.sub(value, template)


def _whole(value: Any, what: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise StopError(f"{what} is {str(value)[:40]}; from {least} to {most} are taken")
    return value


def _bounded(path: Path) -> bytes:
    _bounded_size(path)
    return path.read_bytes()


def _bounded_size(path: Path) -> None:
    if (size := path.stat().st_size) > MAX_META_BYTES:
        raise StopError(f"{path}: {size} bytes; at most {MAX_META_BYTES} are read")
