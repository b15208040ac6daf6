"""Publishing that is refused or interrupted leaves the dataset as it was, or one that the next call makes good."""

import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from saltwell.errors import StopError
from sinks.dataset import placing
from sinks.dataset import publish as publishing
from sinks.dataset.lock import LOCK_OBJECT
from sinks.dataset.publish import Wanted, publish
from sinks.dataset.reader import DatasetReader
from sinks.dataset.shelf import load_training
from sinks.store import Store, open_store

ANY = Wanted(("accept", "review", "reject"))
SORT = Wanted(ANY.decisions, task="sort")


class _Killed(BaseException):
    pass


def _publish(store, root: Path, tmp_path: Path, wanted: Wanted = ANY):
    return publish(store, wanted, open_store(str(root), create=True), tmp_path, advance=lambda _: None)


def _files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _damage(store, episode: str) -> tuple[Path, bytes]:
    marker, _ = load_training(store, episode)
    path = store.folder / marker.folder / "rows.parquet"
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(b"x")
    return path, whole


def test_wishes_that_nothing_meets_leave_the_dataset_as_it_was(make_episode, folder_store, tmp_path) -> None:
    root = tmp_path / "set"
    make_episode()
    _publish(folder_store, root, tmp_path)
    before = _files(root)
    with pytest.raises(StopError, match="no episode"):
        _publish(folder_store, root, tmp_path, Wanted(ANY.decisions, task="a typing error"))
    assert _files(root) == before


def test_a_refused_episode_leaves_nothing_of_those_before_it(make_episode, folder_store, tmp_path) -> None:
    root = tmp_path / "set"
    make_episode("take-1")
    _publish(folder_store, root, tmp_path)
    before = _files(root)
    for name in ("take-2", "take-3"):
        make_episode(name)
    _damage(folder_store, "take-3")
    with pytest.raises(StopError, match="take-3"):
        _publish(folder_store, root, tmp_path)
    assert _files(root) == before


def test_a_first_call_that_was_refused_can_be_made_again(make_episode, folder_store, tmp_path) -> None:
    for name in ("take-1", "take-2"):
        make_episode(name)
    path, whole = _damage(folder_store, "take-2")
    with pytest.raises(StopError, match="take-2"):
        _publish(folder_store, tmp_path / "set", tmp_path)
    path.write_bytes(whole)
    assert _publish(folder_store, tmp_path / "set", tmp_path).episodes == 2


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.timeout(900))])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Where a dataset is published: a folder, and a bucket of a real S3 server."""
    if request.param == "folder":
        return open_store(str(tmp_path / "set"), create=True)
    s3 = request.getfixturevalue("s3")
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    return open_store(f"{s3.url}/{uuid.uuid4().hex}/set")


@pytest.mark.parametrize("wanted", [ANY, SORT])
def test_a_kill_at_any_step_is_made_good_by_the_next_call(
    make_episode, folder_store, target, tmp_path, monkeypatch: pytest.MonkeyPatch, wanted: Wanted
) -> None:
    """The steps are the writes and removals in the dataset; before each, the call is killed and made again."""
    killed = 0
    make_episode("take-1")
    publish(folder_store, ANY, target, tmp_path, advance=lambda _: None)
    make_episode("take-0", task="sort")
    for at in range(100):
        with monkeypatch.context() as patched:
            _kill_at(patched, target, at)
            try:
                done = publish(folder_store, wanted, target, tmp_path, advance=lambda _: None)
            except _Killed:
                killed += 1
                continue
        break
    assert killed > 5
    reader = DatasetReader(target)
    assert [*reader.problems()] == []
    assert done.episodes == len(reader.episodes) == 2
    assert sum(1 for number in range(2) for _ in reader.rows(number)) == 80
    assert len([*target.list("data")]) == 2
    assert reader.info["total_episodes"] == 2


def test_info_json_never_counts_what_is_not_there(
    make_episode, folder_store, target, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written last: whoever reads by it finds the dataset as it was, or as it is to be."""
    make_episode("take-1")
    publish(folder_store, ANY, target, tmp_path, advance=lambda _: None)
    make_episode("take-2")
    for at in range(100):
        with monkeypatch.context() as patched:
            _kill_at(patched, target, at)
            with suppress(_Killed):
                publish(folder_store, ANY, target, tmp_path, advance=lambda _: None)
                break
        reader = DatasetReader(target)
        assert reader.info["total_episodes"] == 1
        assert sum(1 for _ in reader.rows(0)) == 40
    assert sum(1 for number in range(2) for _ in DatasetReader(target).rows(number)) == 80


def test_what_an_interrupted_call_left_behind_its_state_is_removed(
    make_episode, folder_store, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "set"
    make_episode("take-1")
    _publish(folder_store, root, tmp_path)
    before = _files(root)
    make_episode("take-2")
    with monkeypatch.context() as patched:
        patched.setattr(publishing, "write_index", _die)
        with pytest.raises(_Killed):
            _publish(folder_store, root, tmp_path)
    assert len(_files(root)) > len(before)
    marker = folder_store.folder / "trained/take-2.json"
    marker.unlink()
    _publish(folder_store, root, tmp_path)
    assert _files(root).keys() == before.keys()


def _die(*_: Any) -> None:
    raise _Killed


def _kill_at(patched: pytest.MonkeyPatch, target: Store, step: int) -> None:
    steps = [0]

    def counted(real: Any, where: int) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            if args[where] is target and args[where + 1] != LOCK_OBJECT:
                if steps[0] == step:
                    raise _Killed
                steps[0] += 1
            return real(*args, **more)

        return call

    for name in ("put", "put_file", "remove"):
        patched.setattr(Store, name, counted(getattr(Store, name), 0))
    patched.setattr(placing, "bring", counted(placing.bring, 2))
