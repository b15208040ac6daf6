"""Finished episodes of a store. Markers only are believed: what has none does not exist."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from saltwell.contracts.results import EpisodeFinished, StreamSkew
from saltwell.errors import SkipRecordError, StopError
from sinks.at_once import at_once
from sinks.episodes.commit import Marker, marker_of, read_marker
from sinks.episodes.gone import read_expired
from sinks.episodes.layout import archive_key, finished_episodes, robot_key
from sinks.episodes.manifest import MAX_MANIFEST_BYTES, Manifest, sha256_hex
from sinks.store import Store
from sinks.store_errors import NotInStore

_NAMES_COMPARED = 10_000


class DamagedEpisode(StopError):
    """An episode with a marker whose other objects are not what the marker says."""

    def __init__(self, episode: str, problem: str) -> None:
        super().__init__(f"episode {episode}: {problem}")
        self.episode = episode


class NoSuchEpisode(StopError):
    """There is no finished episode of this name."""


class ExpiredEpisode(StopError):
    """Retention took the episode's MCAP file; marker and manifest are there."""


@dataclass(frozen=True, slots=True)
class FinishedEpisode:
    """An episode whose manifest is what its marker says. `uri` is the folder of its objects."""

    marker: Marker
    manifest: Manifest
    uri: str


def list_episodes(store: Store) -> Iterator[str]:
    """Names of the finished episodes, in no order."""
    return finished_episodes(store)


def load_episode(store: Store, episode: str) -> FinishedEpisode:
    """Marker and manifest of an episode.

    NoSuchEpisode when there is none of that name, naming similar ones; DamagedEpisode when marker or manifest are
    not whole.
    """
    found = find_episode(store, episode)
    if found is None:
        raise NoSuchEpisode(_unknown(store, episode))
    return found


def find_episode(store: Store, episode: str) -> FinishedEpisode | None:
    """Marker and manifest of an episode; None when there is no marker, DamagedEpisode when they are not whole."""
    try:
        marker = read_marker(store, episode)
        if marker is None:
            return None
        data = store.get(marker.manifest, limit_bytes=MAX_MANIFEST_BYTES)
        if sha256_hex(data) != marker.manifest_sha256:
            raise DamagedEpisode(episode, "manifest.json is not the one that the marker names")
        manifest = Manifest.parse(data)
        if marker != marker_of(manifest, marker.manifest_sha256):
            raise DamagedEpisode(episode, f"its marker does not fit the manifest, of {ascii(manifest.episode)[:60]}")
        return FinishedEpisode(marker, manifest, store.uri(marker.folder))
    except NotInStore as error:
        raise DamagedEpisode(episode, f"it has a marker and no manifest: {error}") from error
    except SkipRecordError as error:
        raise DamagedEpisode(episode, str(error)) from error


def open_archive(store: Store, one: FinishedEpisode) -> BinaryIO:
    """The episode's MCAP file, seekable. ExpiredEpisode when retention took it, NotInStore when it is missing."""
    try:
        return store.open(archive_key(one.marker.folder))
    except NotInStore:
        note = read_expired(store, one.manifest.episode)
        if note is None:
            raise
        raise ExpiredEpisode(f"episode {one.manifest.episode}: {note.sentence()}") from None


def load_episodes(
    store: Store, episodes: Iterable[str], *, robot: str | None = None
) -> Iterator[FinishedEpisode | DamagedEpisode]:
    """Marker and manifest of many episodes in their order, some hundred in memory; only those of a robot if given.

    Names without a marker are passed over: such an episode does not exist.
    """
    return filter(None, at_once(lambda name: _load(store, name, robot), episodes))


def _load(store: Store, episode: str, robot: str | None) -> FinishedEpisode | DamagedEpisode | None:
    try:
        if robot is not None and not _may_be_of(store, episode, robot):
            return None
        return find_episode(store, episode)
    except DamagedEpisode as error:
        return error


def _may_be_of(store: Store, episode: str, robot: str) -> bool:
    """Whether the marker names a folder of this robot: spares reading the manifests of all others."""
    try:
        marker = read_marker(store, episode)
    except SkipRecordError:
        return True  # damaged, as reading it whole will say
    return marker is not None and marker.folder.startswith(robot_key(robot) + "/")


def announcement(one: FinishedEpisode) -> EpisodeFinished:
    """What the outside world is told."""
    manifest = one.manifest
    return EpisodeFinished(
        site=manifest.site,
        robot=manifest.robot,
        episode=manifest.episode,
        task=manifest.task,
        decision=manifest.decision,
        reasons=manifest.reasons,
        uri=one.uri,
        manifest_sha256=one.marker.manifest_sha256,
        bytes=one.marker.archive_bytes,
        steps=manifest.steps,
        stopped_ns=manifest.stopped_ns,
        streams=[entry.ledger for entry in manifest.streams.values()],
        skew=[
            StreamSkew(name, entry.timing.skew_p50_ns, entry.timing.skew_p99_ns)
            for name, entry in manifest.streams.items()
            if entry.timing is not None and entry.timing.exact + entry.timing.interpolated + entry.timing.held
        ],
    )


def _unknown(store: Store, episode: str) -> str:
    known = list(islice(list_episodes(store), _NAMES_COMPARED))
    near = difflib.get_close_matches(episode, known, n=3, cutoff=0.4) or sorted(known)[:3]
    hint = f"did you mean {' or '.join(near)}?" if near else "it holds no finished episode"
    return f"no finished episode {episode} in {store.url}: {hint}"
