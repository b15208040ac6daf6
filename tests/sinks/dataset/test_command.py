"""`saltwell dataset` as it is typed."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from saltwell.errors import StopError
from sinks.dataset.command import dataset
from sinks.dataset.processor import train
from sinks.store import Store, open_store


def _run(*words: str) -> Any:
    done = CliRunner().invoke(dataset, [*words, "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


@pytest.fixture
def bucket(s3, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return open_store(f"{s3.url}/{uuid.uuid4().hex}")


def test_a_dataset_goes_from_a_bucket_into_a_bucket_and_is_checked_there(bucket: Store, record, tmp_path: Path) -> None:
    for name in ("take-1", "take-2"):
        record(bucket, tmp_path, name)
        train(bucket, name, tmp_path, codec="h264")
    to, how = f"{bucket.url}/sets", ("--store", bucket.url, "--decision", "any")
    done = _run("publish", "--name", "sort", "--to", to, *how)
    assert done == {"root": f"{to}/sort", "episodes": 2, "rows": 80, "added": 2, "begun_anew": False}
    assert _run("check", f"{to}/sort") == {"episodes": 2, "rows": 80, "problems": []}
    assert _run("publish", "--name", "sort", "--to", to, *how)["added"] == 0

    bucket.remove("sets/sort/videos/observation.images.head_color/chunk-000/file-001.mp4")
    checked = CliRunner().invoke(dataset, ["check", f"{to}/sort"])
    assert checked.exit_code == 1
    assert "file-001.mp4 can't be read" in checked.stdout


def test_a_list_of_episodes_says_where_each_file_is_and_what_it_is_worth(
    folder_store: Store, record, tmp_path: Path
) -> None:
    for name, task in (("take-2", "sort"), ("take-1", "sort"), ("take-3", "stack")):
        record(folder_store, tmp_path, name, task=task)
    how = ("--store", folder_store.url, "--to", str(tmp_path), "--decision", "any", "--task", "sort")
    done = _run("publish", "--name", "list", "--format", "mcap", *how)
    assert done == {"uri": (tmp_path / "list.jsonl").as_uri(), "episodes": 2}
    lines = [json.loads(line) for line in (tmp_path / "list.jsonl").read_text().splitlines()]
    assert [line["episode"] for line in lines] == ["take-1", "take-2"]
    for line in lines:
        path = Path(line["uri"].removeprefix("file://"))
        assert path.stat().st_size == line["bytes"]
        assert (line["task"], line["decision"]) == ("sort", line["decision"])
        assert len(line["sha256"]) == len(line["manifest_sha256"]) == 64


def test_where_no_dataset_is_says_so_in_one_line(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StopError, match="holds no LeRobot dataset"):
            _run("check", str(place))
