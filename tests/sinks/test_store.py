import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saltwell.errors import RetryError, SkipRecordError, StopError
from sinks.episodes.layout import key_part, marker_key
from sinks.store import Store, open_store
from sinks.store_errors import NotInStore


def test_what_is_put_comes_back(store: Store) -> None:
    store.put("a/b c.json", b"salt")
    store.put("a/b c.json", b"brine")

    assert store.get("a/b c.json") == b"brine"


def test_a_large_file_is_uploaded_in_parts_and_read_by_ranges(store: Store, tmp_path: Path) -> None:
    content = os.urandom(20 * 1024 * 1024 + 17)
    (tmp_path / "large").write_bytes(content)

    with (tmp_path / "large").open("rb") as file:
        store.put_file("large", file)

    with store.open("large") as file:
        assert file.seekable()
        assert file.seek(-9, os.SEEK_END) == len(content) - 9
        assert file.read() == content[-9:]
        file.seek(12_345_678)
        assert file.read(3_000_000) == content[12_345_678:15_345_678]
        file.seek(0)
        assert file.read() == content


def test_create_never_replaces(store: Store) -> None:
    assert store.create("marker", b"first")
    assert not store.create("marker", b"second")
    assert store.get("marker") == b"first"


def test_a_marker_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut behind the naming would else leave a marker of no bytes, which nobody may replace."""
    acts: list[str] = []
    flush, name = os.fsync, Path.hardlink_to
    monkeypatch.setattr(os, "fsync", lambda handle: (acts.append("flush"), flush(handle)))
    monkeypatch.setattr(Path, "hardlink_to", lambda *paths: (acts.append("name"), name(*paths)))

    assert open_store(str(tmp_path)).create("finished/e.json", b"{}")
    assert acts[:3] == ["flush", "name", "flush"]
    assert [path.name for path in (tmp_path / "finished").iterdir()] == ["e.json"]


def test_a_missing_object_is_told_from_a_failure(store: Store) -> None:
    with pytest.raises(NotInStore, match="get nothing in"):
        store.get("nothing")
    with pytest.raises(NotInStore):
        store.open("nothing")


def test_an_object_beyond_the_limit_is_not_taken_into_memory(store: Store) -> None:
    store.put("big", bytes(100))

    with pytest.raises(SkipRecordError, match="100 bytes, more than the 99"):
        store.get("big", limit_bytes=99)


def test_list_gives_what_lies_in_the_folder_and_nothing_beside_it(store: Store) -> None:
    for key in ("finished/a.json", "finished/b.json", "finished-not/c.json", "d.json"):
        store.put(key, b"x")

    assert sorted(store.list("finished")) == ["finished/a.json", "finished/b.json"]
    assert list(store.list("nothing")) == []


def test_check_is_silent_and_leaves_nothing_when_all_is_well(store: Store) -> None:
    store.check()

    assert list(store.list("checks")) == []


def test_check_refuses_a_server_that_ignores_conditional_create(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def overwrite(self: Store, key: str, data: bytes) -> bool:
        self.put(key, data)
        return True

    monkeypatch.setattr(Store, "create", overwrite)

    with pytest.raises(StopError, match="ignores conditional create"):
        store.check()


@pytest.mark.parametrize("store", ["bucket"], indirect=True)
@pytest.mark.parametrize(
    ("change", "url", "says"),
    [
        ({}, "s3://no-such-bucket", "the bucket does not exist: create it"),
        ({"AWS_ACCESS_KEY_ID": "stranger"}, "s3://episodes", "correct AWS_ACCESS_KEY_ID"),
        ({"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, "s3://episodes", "correct AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "s3://episodes", "correct AWS_ENDPOINT_URL"),
    ],
)
def test_check_says_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], url: str, says: str
) -> None:
    for variable, value in change.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(StopError) as caught:
        open_store(url).check()

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("store", ["bucket"], indirect=True)
def test_a_refusal_shows_no_credentials_not_even_in_the_chain(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")

    with pytest.raises(StopError) as caught:
        open_store("s3://episodes").put("a", b"x")

    # the server's answer repeats access key and signature
    assert caught.value.__suppress_context__
    assert "AWSAccessKeyId" not in str(caught.value)
    assert "saltwell-" not in str(caught.value)


@pytest.mark.parametrize("store", ["bucket"], indirect=True)
def test_a_server_that_is_gone_is_worth_another_try(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    with pytest.raises(RetryError, match="put a in s3://episodes"):
        open_store("s3://episodes").put("a", b"x")


def test_an_endpoint_without_credentials_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    with pytest.raises(StopError, match="set AWS_ACCESS_KEY_ID"):
        open_store("s3://episodes")


@pytest.mark.parametrize("url", ["http://host/x", "ftp://x", "", "s3://", "s3://key:secret@bucket/x", "file://host/x"])
def test_what_is_no_store_is_refused_without_repeating_secrets(url: str) -> None:
    with pytest.raises(StopError) as caught:
        open_store(url, create=True)

    assert "secret@" not in str(caught.value)


def test_plain_paths_and_file_urls_are_the_same_store(tmp_path: Path) -> None:
    folder = tmp_path / "my store"
    open_store(str(folder), create=True).put("a/b", b"x")
    store = open_store(folder.as_uri())

    assert store.get("a/b") == b"x"
    assert store.uri("a/b") == (folder / "a/b").as_uri()


def test_readers_make_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StopError, match=r"no store at .*SALTWELL_STORE"):
        open_store(str(tmp_path / "typo"))

    assert not (tmp_path / "typo").exists()


def test_a_folder_that_can_not_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(StopError, match="Not a directory"):
        open_store(str(tmp_path / "file" / "store"), create=True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(StopError, match="Permission denied"):
        open_store(str(tmp_path)).check()


@given(st.text())
def test_no_name_leaves_its_folder(name: str) -> None:
    try:
        part = key_part(name)
    except SkipRecordError:
        return
    assert "/" not in part
    assert part not in ("", ".", "..")
    assert part.isascii()


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_names_never_meet(one: str, other: str) -> None:
    if "" not in (one, other) and one != other:
        assert key_part(one) != key_part(other)


def test_odd_names_keep_their_place_in_the_store(store: Store) -> None:
    for episode in ("..", "a/../../b", "做 1", "50%"):
        store.put(marker_key(episode), episode.encode())
        assert store.get(marker_key(episode)) == episode.encode()

    assert len(list(store.list("finished"))) == 4
