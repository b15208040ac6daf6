"""The training files of one episode, made once and never changed.

rows.parquet         a row a step: states, actions, torque, skew, capture times
{camera}.mp4         a frame a row
depth.parquet        16-bit PNG of each row's depth frame (mm); when there are depth cameras
clouds.parquet       sampled clouds of each row (float32 xyz in m); when there are lidars
training.json        what stands in them, with the hash of each, and how to tell that a video is whole
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from saltwell.contracts.identity import Decision
from saltwell.errors import SkipRecordError
from saltwell.messages.cloud import PointCloud2
from sinks.dataset.features import Column, VideoSpec, image_key, plain, stats_of
from sinks.dataset.pictures import depth_png, frames_of_rows, is_compressed, picture
from sinks.dataset.recorded import Recorded
from sinks.dataset.rows import frames_per_second, rows_of, time_error_ns
from sinks.dataset.table import write_table
from sinks.dataset.video import Codec, Video, write_video
from sinks.episodes.json_text import canonical, parse, typed

FORMAT = "saltwell-training/1"
ROWS = "rows.parquet"
DEPTH = "depth.parquet"
CLOUDS = "clouds.parquet"
RECORD = "training.json"

MAX_RECORD_BYTES = 64 * 1024 * 1024

_SIDECAR_ROWS = 64

_STATS_ROWS = 100
"""Pictures whose pixels go into the statistics, evenly spread; LeRobot samples as well."""


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """A file: size and SHA-256 in hex."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CameraFile:
    """A camera's video: what LeRobot calls it, what it is, and 64 grey levels in hex for each frame."""

    key: str
    file: str
    spec: VideoSpec
    fingerprints: Sequence[str]


@dataclass(frozen=True, slots=True)
class Training:
    """training.json. `measured_time`: no stream's times are made from the numbers of its frames."""

    format: str
    site: str
    robot: str
    episode: str
    task: str
    success: bool | None
    decision: Decision
    criteria_version: str
    manifest_sha256: str
    stopped_ns: int
    fps: int
    rows: int
    time_error_ns: int
    measured_time: bool
    features: Mapping[str, Any]
    stats: Mapping[str, Mapping[str, Any]]
    cameras: Sequence[CameraFile]
    files: Sequence[TrainingFile]

    def encode(self) -> bytes:
        """Text of training.json."""
        return canonical(self)

    @classmethod
    def parse(cls, data: bytes, what: str) -> "Training":
        """Read it; SkipRecordError naming `what` when it is none."""
        record = typed(cls, parse(data, what), what)
        if record.format != FORMAT:
            raise SkipRecordError(f"{what} has the format {record.format[:40]!r}, this version reads {FORMAT}")
        return record


def make_training(recorded: Recorded, manifest_sha256: str, folder: Path, *, codec: Codec = "h264") -> Training:
    """Write the files of an episode into a folder. Raises SkipRecordError for an episode that gives none."""
    manifest = recorded.manifest
    _check_names(manifest.streams)
    fps = frames_per_second(recorded)
    columns = rows_of(recorded)
    write_table(folder / ROWS, columns)
    cameras, picture_stats = [], {}
    for stream in recorded.of_kind("color"):
        camera, stats = _camera(recorded, stream, folder, fps=fps, codec=codec)
        cameras.append(camera)
        picture_stats[camera.key] = stats
    _write_sidecar(_depth_rows(recorded), folder / DEPTH)
    _write_sidecar(_cloud_rows(recorded), folder / CLOUDS)
    return Training(
        format=FORMAT,
        site=manifest.site,
        robot=manifest.robot,
        episode=manifest.episode,
        task=manifest.task,
        success=manifest.success,
        decision=manifest.decision,
        criteria_version=manifest.criteria_version,
        manifest_sha256=manifest_sha256,
        stopped_ns=manifest.stopped_ns,
        fps=fps,
        rows=len(recorded.steps),
        time_error_ns=time_error_ns(columns["observation.t_ref_ns"].values, fps),
        measured_time=not any(
            entry.timing and entry.timing.clock_source == "derived" for entry in manifest.streams.values()
        ),
        features={name: column.spec() for name, column in columns.items()},
        stats={**stats_of(columns), **picture_stats},
        cameras=cameras,
        files=[described(path) for path in sorted(folder.iterdir())],
    )


def _check_names(streams: Iterable[str]) -> None:
    """Two streams of one plain name would overwrite each other's columns and videos."""
    by_name: dict[str, str] = {}
    for stream in streams:
        other = by_name.setdefault(plain(stream), stream)
        if other != stream:
            raise SkipRecordError(f"streams {other} and {stream} are both {plain(stream)} in a dataset; rename one")


def _camera(
    recorded: Recorded, stream: str, folder: Path, *, fps: int, codec: Codec
) -> tuple[CameraFile, Mapping[str, Any]]:
    file = f"{plain(stream)}.mp4"
    compressed = is_compressed(recorded, stream)
    every = max(1, len(recorded.steps) // _STATS_ROWS)
    sampled: list[np.ndarray[Any, Any]] = []

    def pictures() -> Iterator[Any]:
        for row, frame in enumerate(frames_of_rows(recorded, stream)):
            pixels = picture(frame, compressed=compressed)
            if row % every == 0:
                sampled.append(pixels[::4, ::4].reshape(-1, 3))
            yield pixels

    video: Video = write_video(folder / file, pictures(), fps=fps, codec=codec)
    prints = [print_.tobytes().hex() for print_ in video.fingerprints]
    return CameraFile(image_key(stream), file, video.spec, prints), _picture_stats(np.concatenate(sampled))


def _picture_stats(pixels: np.ndarray[Any, Any]) -> Mapping[str, Any]:
    """Over all sampled pixels, RGB in [0, 1], each of shape (3, 1, 1)."""
    stats = stats_of({"pixels": Column(pixels / 255.0)})["pixels"]
    return {name: values if name == "count" else [[[v]] for v in values] for name, values in stats.items()}


def _depth_rows(recorded: Recorded) -> Iterator[Mapping[str, Any]]:
    for stream in recorded.of_kind("depth"):
        compressed = is_compressed(recorded, stream)
        last_seq, png = -1, b""
        for row, frame in enumerate(frames_of_rows(recorded, stream)):
            if frame.seq != last_seq:
                last_seq, png = frame.seq, depth_png(frame, compressed=compressed)
                yield _sidecar(row, stream, frame.seq, frame.captured_ns, png=png)


def _cloud_rows(recorded: Recorded) -> Iterator[Mapping[str, Any]]:
    for stream in recorded.of_kind("cloud"):
        by_seq = {frame.seq: frame for frame in recorded.frames(f"{stream}/sampled")}
        last_seq = -1
        for row, match in enumerate(recorded.matches(stream)):
            if match.seq != last_seq and match.seq in by_seq:
                last_seq, frame = match.seq, by_seq[match.seq]
                cloud = PointCloud2.decode(frame.data)
                points = np.frombuffer(cloud.data, np.uint8).reshape(-1, cloud.point_step)[:, :12]
                xyz = np.ascontiguousarray(points).tobytes()
                yield _sidecar(row, stream, frame.seq, frame.captured_ns, xyz_m=xyz)


def _sidecar(row: int, stream: str, seq: int, captured_ns: int, **data: bytes) -> dict[str, Any]:
    """A frame stands at the first row it belongs to, and holds until the next of its stream."""
    return {"frame_index": row, "stream": stream, "seq": seq, "captured_ns": captured_ns, **data}


def _write_sidecar(rows: Iterator[Mapping[str, Any]], path: Path) -> None:
    """Row group by row group: the depth frames of some minutes would be gigabytes in memory."""
    with ExitStack() as stack:
        writer = None
        while batch := [*islice(rows, _SIDECAR_ROWS)]:
            table = pa.Table.from_pylist(batch)
            writer = writer or stack.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
            writer.write_table(table)


def described(path: Path) -> TrainingFile:
    """A file as training.json lists it."""
    with path.open("rb") as file:
        return TrainingFile(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
