"""A LeRobot v3.0 dataset on disk, made from training files: an index over media that are never coded again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sinks.dataset.published import Published, merged
from sinks.dataset.training import CLOUDS, DEPTH, Training
from sinks.store import Store

CHUNK = 1000
"""Files a folder holds, as info.json says."""

STATE = "meta/saltwell.json"
INFO = "meta/info.json"

_NUMBERING = {
    name: {"dtype": "int64", "shape": [1], "names": None} for name in ("episode_index", "index", "task_index")
}


def path_of(template: str, number: int, **more: str) -> str:
    """Path of file `number` in the dataset."""
    return template.format(chunk_index=number // CHUNK, file_index=number % CHUNK, **more)


DATA = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
SIDECAR = "sidecars/{kind}/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"


def features_of(training: Training) -> dict[str, Any]:
    """The features of a dataset that holds this episode; all its episodes must have the same."""
    cameras = {camera.key: camera.spec.spec() for camera in training.cameras}
    return dict(sorted({**training.features, **_NUMBERING, **cameras}.items()))


def add_episode(
    state: Published, training: Training, sha256: str, rows: Path, *, home: str, scratch: Path
) -> tuple[dict[str, Any], list[tuple[str, Path | str]]]:
    """Number an episode as the next one; gives its row of meta/episodes, and its files.

    The files: where each stands in the dataset, and what it is: a file made in `scratch`, or a key below `home`.
    """
    number, first = len(state.episodes), state.rows
    task_index = state.task_index(training.task)
    data = path_of(DATA, number)
    _write_rows(rows, scratch / data, number, first, task_index)
    files: list[tuple[str, Path | str]] = [(data, scratch / data)]
    files += [(path_of(VIDEO, number, video_key=one.key), f"{home}/{one.file}") for one in training.cameras]
    made = {file.name for file in training.files}
    for name in (DEPTH, CLOUDS):
        if name in made:
            files.append((path_of(SIDECAR, number, kind=Path(name).stem), f"{home}/{name}"))
    state.episodes.append(training.episode)
    state.rows += training.rows
    state.stats = merged(state.stats, training.stats)
    return {**_episode_row(training, number, first), "source/training_sha256": sha256}, files


def folders_of(state: Published) -> list[str]:
    """Folders of a dataset that hold a file an episode."""
    videos = [f"videos/{name}" for name, feature in state.features.items() if feature["dtype"] == "video"]
    return ["data", *videos, *(f"sidecars/{Path(name).stem}" for name in (DEPTH, CLOUDS))]


def write_index(target: Store, state: Published, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what names the episodes; info.json, which readers begin with, comes last.

    LeRobot reads all files of data and meta/episodes: from the first of them to info.json a reader may find rows that
    info.json does not count. A call that was interrupted there is made good by the next one.
    """
    if rows:
        where = {
            "meta/episodes/chunk_index": state.meta_files // CHUNK,
            "meta/episodes/file_index": state.meta_files % CHUNK,
        }
        table = pa.Table.from_pylist([{**row, **where} for row in rows])
        _put_table(target, path_of(EPISODES, state.meta_files), table)
        state.meta_files += 1
    tasks = pa.table({"task_index": pa.array(range(len(state.tasks)), pa.int64()), "task": pa.array(state.tasks)})
    _put_table(target, "meta/tasks.parquet", _with_pandas_index(tasks))
    _put_json(target, "meta/stats.json", state.stats)
    target.put(STATE, state.encode())
    _put_json(target, INFO, _info(state))


def _write_rows(source: Path, target: Path, episode: int, first: int, task_index: int) -> None:
    """The rows with their numbers in this dataset, in one row group."""
    table = pq.read_table(source)
    count = table.num_rows
    for name, values in (
        ("episode_index", [episode] * count),
        ("index", range(first, first + count)),
        ("task_index", [task_index] * count),
    ):
        table = table.append_column(name, pa.array(values, pa.int64()))
    features = json.loads(table.schema.metadata[b"huggingface"])
    features["info"]["features"] |= {name: {"dtype": "int64", "_type": "Value"} for name in _NUMBERING}
    table = table.select(sorted(table.column_names)).replace_schema_metadata({"huggingface": json.dumps(features)})
    target.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, target, compression="snappy", row_group_size=max(count, 1))


def _episode_row(training: Training, number: int, first: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "episode_index": number,
        "tasks": [training.task],
        "length": training.rows,
        "data/chunk_index": number // CHUNK,
        "data/file_index": number % CHUNK,
        "dataset_from_index": first,
        "dataset_to_index": first + training.rows,
        "quality/verdict": training.decision,
        "quality/criteria_version": training.criteria_version,
        "quality/time_error_ns": training.time_error_ns,
        "quality/measured_time": training.measured_time,
        "source/episode": training.episode,
        "source/robot": training.robot,
        "source/site": training.site,
        "source/manifest_sha256": training.manifest_sha256,
        "success": training.success,
    }
    for camera in training.cameras:
        row |= {
            f"videos/{camera.key}/chunk_index": number // CHUNK,
            f"videos/{camera.key}/file_index": number % CHUNK,
            f"videos/{camera.key}/from_timestamp": 0.0,
            f"videos/{camera.key}/to_timestamp": training.rows / training.fps,
        }
    for name, stats in sorted(training.stats.items()):
        row |= {f"stats/{name}/{statistic}": values for statistic, values in stats.items()}
    return row


def _info(state: Published) -> dict[str, Any]:
    return {
        "codebase_version": "v3.0",
        "robot_type": state.robot_type,
        "fps": state.fps,
        "total_episodes": len(state.episodes),
        "total_frames": state.rows,
        "total_tasks": len(state.tasks),
        "chunks_size": CHUNK,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "data_path": DATA,
        "video_path": VIDEO if any(f["dtype"] == "video" for f in state.features.values()) else None,
        "splits": {"train": f"0:{len(state.episodes)}"},
        "features": state.features,
    }


def _with_pandas_index(tasks: pa.Table) -> pa.Table:
    """LeRobot reads this file with pandas and looks the task up in the index: it is named in pandas' metadata."""
    column = {"pandas_type": "int64", "numpy_type": "int64", "metadata": None}
    text = {"pandas_type": "unicode", "numpy_type": "object", "metadata": None}
    pandas = {
        "index_columns": ["task"],
        "column_indexes": [],
        "columns": [
            {"name": "task_index", "field_name": "task_index", **column},
            {"name": "task", "field_name": "task", **text},
        ],
        "pandas_version": "2.0.0",
    }
    return tasks.replace_schema_metadata({"pandas": json.dumps(pandas)})


def _put_table(target: Store, key: str, table: pa.Table) -> None:
    with TemporaryFile() as file:
        pq.write_table(table, file)
        target.put_file(key, file)


def _put_json(target: Store, key: str, value: Mapping[str, Any]) -> None:
    target.put(key, json.dumps(value, indent=4).encode())
