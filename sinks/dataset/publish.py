"""Publishes accepted episodes as a LeRobot dataset: adds what is new, begins anew when something went."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from saltwell.contracts.results import Review
from saltwell.errors import SkipRecordError, StopError
from sinks.dataset.lerobot import STATE, add_episode, features_of, folders_of, write_index
from sinks.dataset.lock import LOCK_OBJECT, alone
from sinks.dataset.placing import Part, begin_anew, bring_in, sweep
from sinks.dataset.published import MAX_BYTES, Published
from sinks.dataset.shelf import load_training, trained_episodes
from sinks.dataset.training import Training
from sinks.dataset.whole import checked_rows
from sinks.episodes.manifest import Manifest
from sinks.episodes.reviews import all_reviews, corrected, said, standing
from sinks.store import Store
from sinks.store_errors import NotInStore


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

    def takes(self, training: Training | Manifest) -> bool:
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

    root: str
    episodes: int
    rows: int
    added: int
    begun_anew: bool


def publish(store: Store, wanted: Wanted, target: Store, scratch: Path, *, advance: Callable[[int], None]) -> Outcome:
    """Bring a dataset up to date with the store: what is new comes behind what is there.

    What people said of an episode counts more than its verdict. It begins anew when other episodes are wanted than the
    last time, when a published one is gone from the store, or when people said something else of one since.
    `scratch` is an empty folder. Nothing is put into `target` before all is checked and made. Raises StopError when
    another process publishes there, an episode's files are not whole, or none is wanted, SkipRecordError for a review
    that is none: the dataset is then as it was.
    """
    with alone(target):
        names = sorted(trained_episodes(store))
        words = standing(all_reviews(store))
        before = _read_state(target)
        state = _to_go_on_with(before, wanted, names, words)
        kept = None if state is None else (len(state.episodes), state.meta_files)
        state, rows, parts = _add(store, wanted, names, words, state=state, scratch=scratch, advance=advance)
        if kept is None:
            begin_anew(target)
        else:
            sweep(target, folders=folders_of(state), episodes=kept[0], meta_files=kept[1])
        bring_in(parts, store, target)
        write_index(target, state, rows)
    return Outcome(target.url, len(state.episodes), state.rows, len(rows), kept is None and before is not None)


def _add(
    store: Store,
    wanted: Wanted,
    names: Sequence[str],
    words: Mapping[str, Review],
    *,
    state: Published | None,
    scratch: Path,
    advance: Callable[[int], None],
) -> tuple[Published, list[Mapping[str, Any]], list[Part]]:
    """Number what is wanted and new; gives the state, rows of meta/episodes, and the files that have to come in."""
    known = set() if state is None else {*state.passed_over, *state.episodes}
    rows: list[Mapping[str, Any]] = []
    parts: list[Part] = []
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
        of_rows = checked_rows(store, marker, training, scratch)
        row, files = add_episode(state, training, marker.sha256, of_rows, home=marker.folder, scratch=scratch)
        rows.append(row)
        parts += [Part(key, source) for key, source in files]
        advance(1)
    if state is None or not state.episodes:
        raise StopError(
            f"no episode of {store.url} is wanted that has training files; `saltwell sink dataset` makes them"
        )
    return state, rows, parts


def _to_go_on_with(
    state: Published | None, wanted: Wanted, names: Collection[str], words: Mapping[str, Review]
) -> Published | None:
    """The state, when what was published is still what is wanted; training files never change, so names say enough.

    What was passed over, and of which people said something since, is looked at again.
    """
    if state is None or state.wanted != wanted.text():
        return None
    news = {name for name in {*words, *state.words} if said(words.get(name)) != state.words.get(name, said(None))}
    published = set(state.episodes)
    if not published <= set(names) or published & news:
        return None
    state.passed_over = [name for name in state.passed_over if name not in news]
    return state


def _read_state(target: Store) -> Published | None:
    try:
        return Published.parse(target.get(STATE, limit_bytes=MAX_BYTES), target.uri(STATE))
    except NotInStore:
        if any(key != LOCK_OBJECT for key in target.list("")):
            raise StopError(f"{target.url} is not empty and no dataset of ours; choose another place or name") from None
        return None
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


def decisions_of(decision: str) -> Collection[str]:
    """The verdicts that `--decision` stands for."""
    return {"accept": ("accept",), "review": ("accept", "review"), "any": ("accept", "review", "reject")}[decision]
