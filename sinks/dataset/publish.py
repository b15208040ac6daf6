"""Publishes accepted episodes as a LeRobot dataset: adds what is new, begins anew when something went."""

import hashlib
import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from saltwell.contracts.results import Review
from saltwell.errors import SkipRecordError, StopError
from sinks.dataset.lerobot import STATE, add_episode, features_of, write_index
from sinks.dataset.placing import begin_anew, bring_in, sweep
from sinks.dataset.published import Published
from sinks.dataset.shelf import TrainingMarker, load_training, trained_episodes
from sinks.dataset.training import ROWS, Training
from sinks.dataset.video import WrongVideo, check_video
from sinks.episodes.reviews import all_reviews, corrected, said, standing
from sinks.store import Store

_PART_BYTES = 8 * 1024 * 1024
_BUILT = "built"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which episodes are to be in the dataset."""

    decisions: Collection[str]
    task: str | None = None
    robot: str | None = None
    since_ns: int = 0
    criteria: str | None = None

    def text(self) -> str:
        """The same wishes give the same text."""
        return repr((sorted(self.decisions), self.task, self.robot, self.since_ns, self.criteria))

    def takes(self, training: Training) -> bool:
        """Whether an episode is one of them."""
        return (
            training.decision in self.decisions
            and self.task in {None, training.task}
            and self.robot in {None, training.robot}
            and training.stopped_ns >= self.since_ns
            and self.criteria in {None, training.criteria_version}
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was published."""

    root: Path
    episodes: int
    rows: int
    added: int
    begun_anew: bool


def publish(store: Store, wanted: Wanted, root: Path, scratch: Path, *, advance: Callable[[int], None]) -> Outcome:
    """Bring a dataset up to date with the store: what is new comes behind what is there.

    What people said of an episode counts more than its verdict. It begins anew when other episodes are wanted than the
    last time, when a published one is gone from the store, or when people said something else of one since.
    All is built in `scratch`, an empty folder on the file system of `root`, and moved in place at the end. Raises
    StopError when an episode's files are not whole, or none is wanted, SkipRecordError for a review that is none: the
    dataset is then as it was.
    """
    names = sorted(trained_episodes(store))
    words = standing(all_reviews(store))
    before = _read_state(root)
    state = _to_go_on_with(before, wanted, names, words)
    kept = None if state is None else (len(state.episodes), state.meta_files)
    built = scratch / _BUILT
    shutil.rmtree(built, ignore_errors=True)
    known = set() if state is None else {*state.passed_over, *(one.episode for one in state.episodes)}
    rows: list[dict[str, Any]] = []
    for name in names:
        if name in known:
            continue
        marker, training = load_training(store, name)
        training = corrected(training, words.get(name))
        if state is None:
            state = Published(training.fps, training.robot, features_of(training), wanted=wanted.text())
        if name in words:
            state.words[name] = said(words[name])
        if not wanted.takes(training):
            state.passed_over.append(name)
            continue
        if not state.episodes:
            state.fps, state.robot_type, state.features = training.fps, training.robot, features_of(training)
        _check_features(state, training)
        files = _fetch(store, marker, training, scratch)
        try:
            rows.append(add_episode(built, state, training, marker.sha256, files))
        finally:
            shutil.rmtree(files, ignore_errors=True)
        advance(1)
    if state is None or not state.episodes:
        raise StopError(
            f"no episode of {store.url} is wanted that has training files; `saltwell sink dataset` makes them"
        )
    if kept is None:
        begin_anew(root, scratch)
    else:
        sweep(root, episodes=kept[0], meta_files=kept[1])
    bring_in(built, root)
    write_index(root, state, rows)
    return Outcome(root, len(state.episodes), state.rows, len(rows), kept is None and before is not None)


def _to_go_on_with(
    state: Published | None, wanted: Wanted, names: Collection[str], words: Mapping[str, Review]
) -> Published | None:
    """The state, when what was published is still what is wanted; training files never change, so names say enough.

    What was passed over, and of which people said something since, is looked at again.
    """
    if state is None or state.wanted != wanted.text():
        return None
    news = {name for name in names if said(words.get(name)) != state.words.get(name, said(None))}
    published = {one.episode for one in state.episodes}
    if not published <= set(names) or published & news:
        return None
    state.passed_over = [name for name in state.passed_over if name not in news]
    return state


def _read_state(root: Path) -> Published | None:
    path = root / STATE
    if not path.exists():
        if any(path.is_file() for path in root.rglob("*")):
            raise StopError(f"{root} is not empty and no dataset of ours; choose another folder or name")
        return None
    try:
        return Published.parse(path.read_bytes(), str(path))
    except SkipRecordError as error:
        raise StopError(f"{error}; remove the dataset and publish it again") from error


def _check_features(state: Published, training: Training) -> None:
    """All episodes of a dataset have the same columns and rate: LeRobot reads them with one schema."""
    features = features_of(training)
    if training.fps != state.fps:
        raise StopError(
            f"episode {training.episode} has {training.fps} rows a second, the dataset {state.fps}; publish them apart"
        )
    if features != state.features:
        names = sorted(name for name in {*features, *state.features} if features.get(name) != state.features.get(name))
        raise StopError(
            f"episode {training.episode} differs from the dataset in {', '.join(names[:3])}; use --robot or --task"
        )


def _fetch(store: Store, marker: TrainingMarker, training: Training, scratch: Path) -> Path:
    """The files of an episode, each checked against its hash; StopError says what is wrong with one that is not."""
    folder = scratch / f"publish-{marker.sha256[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in training.files:
        path = folder / file.name
        _link_or_copy(store, f"{marker.folder}/{file.name}", path)
        if _sha256(path) != file.sha256:
            raise StopError(f"episode {training.episode}: {_what_is_wrong(path, training)}; nothing of it is published")
    if not (folder / ROWS).exists():
        raise StopError(f"episode {training.episode} has no {ROWS}")
    return folder


def _link_or_copy(store: Store, key: str, path: Path) -> None:
    """A file of a store in a folder is linked: it is never written again, so both names may share it."""
    path.unlink(missing_ok=True)
    if store.folder is not None:
        try:
            path.hardlink_to(store.folder / key)
        except OSError:
            shutil.copyfile(store.folder / key, path)
        return
    with store.open(key) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target, _PART_BYTES)


def _what_is_wrong(path: Path, training: Training) -> str:
    camera = next((c for c in training.cameras if c.file == path.name), None)
    if camera is None:
        return f"{path.name} is not the file that was made"
    prints = np.array([np.frombuffer(bytes.fromhex(text), np.uint8) for text in camera.fingerprints])
    try:
        check_video(path, prints, fps=training.fps)
    except WrongVideo as error:
        return str(error)
    return f"{path.name} shows the right frames and is not the file that was made"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def decisions_of(decision: str) -> Collection[str]:
    """The verdicts that `--decision` stands for."""
    return {"accept": ("accept",), "review": ("accept", "review"), "any": ("accept", "review", "reject")}[decision]
