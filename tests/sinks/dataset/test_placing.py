"""Publishing that is refused or interrupted leaves the dataset as it was, or one that the next call makes good."""

import json
from pathlib import Path
from typing import Any

import pytest

from saltwell.errors import StopError
from sinks.dataset import publish as publishing
from sinks.dataset.publish import Wanted, publish
from sinks.dataset.reader import DatasetReader
from sinks.dataset.shelf import load_training

ANY = Wanted(("accept", "review", "reject"))
SORT = Wanted(ANY.decisions, task="sort")


class _Killed(BaseException):
    pass


def _publish(store, root: Path, tmp_path: Path, wanted: Wanted = ANY):
    return publish(store, wanted, root, tmp_path, advance=lambda _: None)


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


@pytest.mark.parametrize("wanted", [ANY, SORT])
def test_a_kill_at_any_step_is_made_good_by_the_next_call(
    make_episode, folder_store, tmp_path, monkeypatch: pytest.MonkeyPatch, wanted: Wanted
) -> None:
    """The steps are the renames and removals in the dataset's folder; after each, the call is killed and made again."""
    root, killed = tmp_path / "set", 0
    make_episode("take-1")
    _publish(folder_store, root, tmp_path)
    make_episode("take-0", task="sort")
    for at in range(100):
        with monkeypatch.context() as patched:
            _kill_at(patched, root, at)
            try:
                done = _publish(folder_store, root, tmp_path, wanted)
            except _Killed:
                killed += 1
                continue
        break
    assert killed > 5
    reader = DatasetReader(root)
    assert [*reader.problems()] == []
    assert done.episodes == len(reader.episodes) == 2
    assert sum(1 for number in range(2) for _ in reader.rows(number)) == 80
    assert len([*root.glob("data/*/*")]) == 2
    assert json.loads((root / "meta/info.json").read_text())["total_episodes"] == 2


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


def _kill_at(patched: pytest.MonkeyPatch, root: Path, step: int) -> None:
    steps = [0]
    for name in ("replace", "unlink"):
        real = getattr(Path, name)

        def counted(self: Path, *args: Any, _real: Any = real, **more: Any) -> Any:
            if any(root in Path(one).parents for one in (self, *args)):
                if steps[0] == step:
                    raise _Killed
                steps[0] += 1
            return _real(self, *args, **more)

        patched.setattr(Path, name, counted)
