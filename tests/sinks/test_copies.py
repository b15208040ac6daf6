"""An object comes into another store as it is, by the shortest way."""

import os
import uuid
from pathlib import Path

import pytest

from sinks import copies
from sinks.copies import bring
from sinks.store import Store, open_store
from sinks.store_errors import NotInStore

CONTENT = os.urandom(100_000)


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "other"), create=True)


@pytest.fixture
def bucket(s3, monkeypatch: pytest.MonkeyPatch) -> Store:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return open_store(f"{s3.url}/{uuid.uuid4().hex}/with space")


def test_an_object_comes_from_any_store_into_any_other(store: Store, folder: Store, bucket: Store) -> None:
    store.put("a/b.mp4", CONTENT)
    for other in (folder, bucket):
        other.put("x/y.mp4", b"older")
        bring(store, "a/b.mp4", other, "x/y.mp4")
        assert other.get("x/y.mp4") == CONTENT
        assert [*other.list("")] == ["x/y.mp4"]


def test_a_folder_links_what_it_can(tmp_path: Path, folder: Store) -> None:
    source = open_store(str(tmp_path / "store"), create=True)
    source.put("a", CONTENT)
    bring(source, "a", folder, "b/c")
    assert (tmp_path / "store/a").samefile(tmp_path / "other/b/c")


def test_a_server_copies_by_itself(bucket: Store, s3, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_store(f"{s3.url}/{uuid.uuid4().hex}")
    source.put("a", CONTENT)
    monkeypatch.setattr(Store, "open", None)
    bring(source, "a", bucket, "b")
    assert bucket.get("b") == CONTENT


def test_what_is_too_large_for_one_request_goes_through_this_machine(
    bucket: Store, s3, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = open_store(f"{s3.url}/{uuid.uuid4().hex}")
    source.put("a", CONTENT)
    monkeypatch.setattr(copies, "MAX_SERVER_COPY_BYTES", len(CONTENT) - 1)
    monkeypatch.setattr(Store, "copy", None)
    bring(source, "a", bucket, "b")
    assert bucket.get("b") == CONTENT


def test_what_is_not_there_is_said(store: Store, folder: Store, bucket: Store) -> None:
    for other in (folder, bucket):
        with pytest.raises(NotInStore):
            bring(store, "nothing", other, "x")
        assert [*other.list("")] == []
