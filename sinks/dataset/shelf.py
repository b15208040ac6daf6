"""Where training files lie in a store, and in which order they come there.

training/{robot}/{episode}/{16 hex of training.json's SHA-256}/...   the files, training.json last
trained/{episode}.json                                              the marker: what readers believe
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from saltwell.errors import SkipRecordError, StopError
from sinks.dataset.training import MAX_RECORD_BYTES, RECORD, Training
from sinks.episodes.gone import read_erased
from sinks.episodes.json_text import canonical, parse, typed
from sinks.episodes.layout import home_of, key_part
from sinks.episodes.manifest import sha256_hex
from sinks.patience import patiently
from sinks.store import Store
from sinks.store_errors import NotInStore

_MAX_MARKER_BYTES = 64 * 1024
_TRAINED = "trained"


@dataclass(frozen=True, slots=True)
class TrainingMarker:
    """What makes training files visible: their folder, and the hash of training.json."""

    folder: str
    sha256: str
    manifest_sha256: str


def put_training(store: Store, training: Training, folder: Path) -> TrainingMarker:
    """Bring the files into the store. Once an episode has training files they stay: they are never made twice.

    SkipRecordError when the episode was erased meanwhile: they do not stay.
    """
    text = training.encode()
    sha256 = sha256_hex(text)
    of_episode = f"training/{home_of(training.robot, training.episode)}"
    home = f"{of_episode}/{sha256[:16]}"
    for file in training.files:
        with (folder / file.name).open("rb") as data:
            patiently(store.put_file, f"{home}/{file.name}", data)
    patiently(store.put, f"{home}/{RECORD}", text)
    marker = TrainingMarker(home, sha256, training.manifest_sha256)
    patiently(store.create, _marker_key(training.episode), canonical(marker))
    if patiently(read_erased, store, training.episode) is not None:
        for key in (_marker_key(training.episode), *store.list(of_episode)):
            patiently(store.remove, key)
        raise SkipRecordError(f"episode {training.episode} was erased")
    standing = patiently(read_training_marker, store, training.episode)
    if standing is None:
        raise StopError(f"the store says that {_marker_key(training.episode)} exists, and does not give it")
    return standing


def read_training_marker(store: Store, episode: str) -> TrainingMarker | None:
    """The marker of an episode's training files; None when there are none."""
    key = _marker_key(episode)
    try:
        return typed(TrainingMarker, parse(store.get(key, limit_bytes=_MAX_MARKER_BYTES), key), key)
    except NotInStore:
        return None


def load_training(store: Store, episode: str) -> tuple[TrainingMarker, Training]:
    """Marker and training.json; StopError when they are not there or not whole."""
    marker = read_training_marker(store, episode)
    if marker is None:
        raise StopError(f"episode {episode} has no training files; `saltwell sink dataset` makes them")
    try:
        text = store.get(f"{marker.folder}/{RECORD}", limit_bytes=MAX_RECORD_BYTES)
        if sha256_hex(text) != marker.sha256:
            raise StopError(f"episode {episode}: training.json is not the one that its marker names")
        return marker, Training.parse(text, f"training.json of {episode}")
    except SkipRecordError as error:
        raise StopError(f"episode {episode}: {error}") from error


def trained_episodes(store: Store) -> Iterator[str]:
    """Names of all episodes that have training files, in no order."""
    for key in store.list(_TRAINED):
        if match := re.fullmatch(rf"{_TRAINED}/([^/]+)\.json", key):
            yield unquote(match[1])


def _marker_key(episode: str) -> str:
    return f"{_TRAINED}/{key_part(episode)}.json"
