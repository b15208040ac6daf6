"""`saltwell clouds export`, on an episode in a store."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from saltwell.contracts.frames import PointField
from saltwell.errors import StopError
from saltwell.messages.cloud import PointCloud2
from sinks.clouds.command import clouds
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.commit import commit
from sinks.store import Store, open_store

LIDAR = "/torso/points"


def scan(n: int) -> bytes:
    fields = tuple(PointField(name, 4 * i, 7, 1) for i, name in enumerate("xyz"))
    points = (np.arange(12) + n).astype("<f4").tobytes()
    return PointCloud2(1_000 + n, "lidar", 1, 4, fields, False, 12, 48, points, True).encode()


@pytest.fixture
def where(tmp_path: Path, make_take: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Store, str]:
    """A store with an episode of three clouds, 0, 1 and 3."""
    declare = EpisodeArchive.declare

    def with_clouds(archive: EpisodeArchive, stream: str, **how: Any) -> None:
        declare(archive, stream, **how)
        if LIDAR not in archive._declared:
            cdr = {"schema_encoding": "ros2msg", "schema": "", "message_encoding": "cdr", "metadata": {}}
            declare(archive, LIDAR, schema_name="sensor_msgs/msg/PointCloud2", compress=True, **cdr)

    finish = EpisodeArchive.finish

    def with_scans(archive: EpisodeArchive, *how: Any) -> Any:
        for n in (0, 1, 3):
            archive.add(LIDAR, scan(n), log_time_ns=2_000 + n, publish_time_ns=1_000 + n, sequence=n)
        return finish(archive, *how)

    monkeypatch.setattr(EpisodeArchive, "declare", with_clouds)
    monkeypatch.setattr(EpisodeArchive, "finish", with_scans)
    take = make_take()
    store = open_store(str(tmp_path / "store"), create=True)
    commit(store, take.manifest, take.file)
    return store, take.manifest.episode


def export(where: tuple[Store, str], folder: Path, *more: str) -> Result:
    store, episode = where
    command = ["export", episode, "--store", store.url, "--to", str(folder), *more]
    return CliRunner().invoke(clouds, command, catch_exceptions=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_clouds_of_a_stream_become_files_with_number_and_time(where: Any, tmp_path: Path) -> None:
    done = export(where, tmp_path / "out", "--stream", LIDAR, "--all")
    expected = [f"torso_points-{n:06}-{1_000 + n}.pcd" for n in (0, 1, 3)]
    assert names(tmp_path / "out") == expected
    assert done.stdout.splitlines() == [str(tmp_path / "out" / name) for name in expected]


def test_only_the_frames_that_are_named_are_written(where: Any, tmp_path: Path) -> None:
    done = export(where, tmp_path, "--stream", LIDAR, "--frame", "1", "--format", "ply", "--json")
    (written,) = json.loads(done.stdout)["files"]
    assert Path(written).read_bytes().startswith(b"ply\nformat binary_little_endian 1.0\n")
    assert written.endswith("torso_points-000001-1001.ply")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--stream", LIDAR], "say which clouds"),
        (["--stream", LIDAR, "--all", "--frame", "1"], "say which clouds"),
        (["--stream", LIDAR, "--frame", "2", "--frame", "1"], f"{LIDAR} of .* has no frame 2"),
        (["--stream", "/head/color", "--all"], f"has no clouds of /head/color; it has {LIDAR}"),
        (["--stream", "/x", "--all"], f"has no clouds of /x; it has {LIDAR}"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(where: Any, tmp_path: Path, more: list[str], said: str) -> None:
    done = export(where, tmp_path, *more)
    assert isinstance(done.exception, StopError)
    with pytest.raises(StopError, match=said):
        raise done.exception


def test_a_folder_that_cannot_be_written_is_said_in_one_line(where: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = export(where, tmp_path / "file", "--stream", LIDAR, "--all")
    assert "give another folder" in str(done.exception)


def test_the_file_has_the_points(where: Any, tmp_path: Path) -> None:
    export(where, tmp_path, "--stream", LIDAR, "--frame", "3")
    (path,) = tmp_path.glob("*.pcd")
    points = np.frombuffer(path.read_bytes().split(b"DATA binary\n")[1], "<f4")
    np.testing.assert_array_equal(points, np.arange(12) + 3)
