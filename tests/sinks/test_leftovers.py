import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sinks.command import _tidy
from sinks.leftovers import OLD_S, leftovers, sweep
from sinks.s3_uploads import uploads_of
from sinks.store import Store, draft_of, open_store

PAGE = (
    '<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>{encoding}</EncodingType>'
    "<IsTruncated>{more}</IsTruncated><NextKeyMarker>{key}</NextKeyMarker>"
    "<NextUploadIdMarker>7</NextUploadIdMarker><Upload><Key>{key}</Key><UploadId>7</UploadId>"
    "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>"
)


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path), create=True)


@pytest.fixture
def draft(tmp_path: Path) -> Callable[..., Path]:
    """Makes what a killed sink leaves, of some age."""

    def make(key: str, *, age_s: float) -> Path:
        path = draft_of(tmp_path / key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age_s, time.time() - age_s))
        return path

    return make


def test_a_sink_that_starts_removes_what_is_a_day_old_and_nothing_else(
    folder_store: Store, draft: Callable[..., Path]
) -> None:
    folder_store.put("episodes/r/e/0123456789abcdef/episode.mcap", b"whole")
    folder_store.put("episodes/r/e%23 1/0123456789abcdef/episode.mcap", b"whole, of episode 'e# 1'")
    old = draft("episodes/r/e/0123456789abcdef/episode.mcap", age_s=OLD_S + 60)
    young = draft("finished/e.json", age_s=OLD_S - 60)

    _tidy(folder_store)

    assert not old.exists()
    assert young.exists()
    assert len(list(folder_store.list("episodes"))) == 2
    assert [one.key for one in leftovers(folder_store)] == ["finished/e.json"]


def test_drafts_are_no_objects(folder_store: Store, draft: Callable[..., Path]) -> None:
    draft("finished/e.json", age_s=0)

    assert list(folder_store.list("finished")) == []


def test_two_sinks_that_sweep_at_once_do_not_meet(folder_store: Store, draft: Callable[..., Path]) -> None:
    path = draft("finished/e.json", age_s=OLD_S + 60)
    [one] = leftovers(folder_store)
    path.unlink()

    one.remove()
    assert sweep(folder_store) == []


def test_a_store_that_can_not_be_swept_is_used_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys of a role are not in the environment; and not every key may list uploads."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    _tidy(open_store("s3://episodes"))

    assert "give the bucket a lifecycle rule AbortIncompleteMultipartUpload" in caplog.text


@pytest.mark.parametrize(("encoding", "key"), [("url", "a%20b"), ("", "a b")])
def test_keys_are_read_as_the_server_says_it_wrote_them(encoding: str, key: str) -> None:
    [upload], marker = uploads_of(PAGE.format(encoding=encoding, key=key, more="true").encode())

    assert upload.key == "a b"
    assert marker == ("a b", "7")
    assert uploads_of(PAGE.format(encoding=encoding, key=key, more="false").encode())[1] is None


def test_a_folder_that_goes_while_it_is_looked_through_ends_nothing(tmp_path: Path) -> None:
    """Erasure removes objects, and the store its empty folders."""
    for name in ("a", "b", "c"):
        for part in ("1", "2"):
            (tmp_path / name / part).mkdir(parents=True)
            (tmp_path / name / part / "x.json#7").write_bytes(b"half")
    found = leftovers(open_store(str(tmp_path)))
    first = next(found)
    for name in {"a", "b", "c"} - {first.key[0]}:
        shutil.rmtree(tmp_path / name)
    shutil.rmtree(tmp_path / first.key[0])

    assert [*found] == []
