"""Whether a store is whole: markers, manifests, files, what belongs to nothing, and what was begun and not ended.

Names and folders of all episodes are kept in memory, about 0.5 GB a million.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from saltwell.errors import SkipRecordError, StopError
from sinks.at_once import READ_AT_ONCE, at_once
from sinks.catalogue.catalogue import Catalogue
from sinks.dataset.shelf import load_training, trained_episodes
from sinks.episodes.commit import Marker
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, NoSuchEpisode, list_episodes, load_episodes
from sinks.episodes.gone import expired_episodes, read_expired
from sinks.episodes.json_text import parse, typed
from sinks.episodes.layout import archive_key, conflict_key, is_manifest_of, marker_key
from sinks.episodes.reviews import read_review, review_keys
from sinks.episodes.verify import verify
from sinks.leftovers import OLD_S, leftovers
from sinks.lifecycle.erase import unfinished
from sinks.lifecycle.subject import Unjudged
from sinks.store import Store
from sinks.store_errors import NotInStore

Kind = Literal["damaged", "missing", "left", "orphan", "unfinished", "catalogue", "aside"]

NO_FAULT: Kind = "aside"
"""What a conflict set aside is for a person to look at; all other kinds are faults."""

_UNFINISHED = "its erasure was interrupted, or something of it is there again; `saltwell store erase` goes on with it"

_NS_PER_HOUR = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person should know, about an episode or a key."""

    kind: Kind
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class _Conflict:
    kept: Marker | None
    set_aside: Marker


class Check:
    """One walk through a store: `findings` gives what it meets, and the counts stand when it is over."""

    def __init__(self, store: Store, *, deep: bool, now_ns: int) -> None:
        """`deep` reads every file back; else only its size is looked at."""
        self.episodes = 0
        self.expired = 0
        self._store = store
        self._deep = deep
        self._now_ns = now_ns
        self._gone: Collection[str] = ()
        self._folders: set[str] = set()
        self._unsure: set[str] = set()
        self._names: set[str] = set()
        self._settled: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        """Everything that is not as it should be. Raises RetryError or StopError when the store can't be read.

        What goes while it looks, because it is erased, is no fault.
        """
        yield from self._of_episodes()
        yield from self._of_training()
        yield from self._of_reviews()
        yield from self._of_what_nobody_points_to()
        yield from self._of_catalogue()
        yield from self._of_what_was_begun()

    def _of_episodes(self) -> Iterator[Finding]:
        self._gone = frozenset(expired_episodes(self._store))
        loaded = load_episodes(self._store, list_episodes(self._store))
        for findings in at_once(self._of_episode, loaded, threads=1 if self._deep else READ_AT_ONCE):
            yield from findings

    def _of_episode(self, one: FinishedEpisode | DamagedEpisode) -> Collection[Finding]:
        self.episodes += 1
        if isinstance(one, DamagedEpisode):
            self._unsure.add(one.episode)
            return [Finding("damaged", one.episode, str(one))]
        self._names.add(one.manifest.episode)
        self._folders.add(one.marker.folder)
        if one.manifest.stopped_ns < self._now_ns - _NS_PER_HOUR:
            self._settled.add(one.manifest.episode)
        if one.manifest.episode in self._gone:
            return self._of_expired(one)
        return [*(self._read_back(one) if self._deep else self._of_size(one))]

    def _of_expired(self, one: FinishedEpisode) -> Collection[Finding]:
        self.expired += 1
        key = archive_key(one.marker.folder)
        try:
            read_expired(self._store, one.manifest.episode)
        except SkipRecordError as error:
            return [Finding("damaged", f"expired/{one.manifest.episode}", str(error))]
        if not self._store.has(key):
            return []
        return [Finding("left", key, "it has expired and is still there; `saltwell store expire` again removes it")]

    def _of_size(self, one: FinishedEpisode) -> Iterator[Finding]:
        key = archive_key(one.marker.folder)
        try:
            size = self._store.size(key)
        except NotInStore:
            yield Finding("missing", key, f"episode {one.manifest.episode} has a marker and no file")
            return
        if size != one.marker.archive_bytes:
            yield Finding("damaged", key, f"it has {size} bytes, the marker says {one.marker.archive_bytes}")

    def _read_back(self, one: FinishedEpisode) -> Iterator[Finding]:
        with suppress(NoSuchEpisode):
            for problem in verify(self._store, one.manifest.episode).problems:
                yield Finding("damaged", one.manifest.episode, problem)

    def _of_training(self) -> Iterator[Finding]:
        for episode in trained_episodes(self._store):
            try:
                load_training(self._store, episode)
            except (SkipRecordError, StopError) as error:
                yield Finding("damaged", f"trained/{episode}", str(error))
            if not self._has_marker(episode):
                yield Finding("orphan", f"trained/{episode}", "training files of an episode that is not finished")

    def _of_reviews(self) -> Iterator[Finding]:
        for key in review_keys(self._store):
            try:
                with suppress(NotInStore):
                    read_review(self._store, key)
            except SkipRecordError as error:
                yield Finding("damaged", key, str(error))

    def _of_what_nobody_points_to(self) -> Iterator[Finding]:
        """Objects below episodes/ that no marker and no conflict names; what a sink is at is younger than a day.

        Which files are those of a damaged episode its marker can't say: none of its name is an orphan.
        """
        known = set(self._folders)
        for key in self._store.list("conflicts"):
            try:
                with suppress(NotInStore):
                    folder = _set_aside(self._store, key)
                    known.add(folder)
                    yield Finding("aside", folder, "another content of a finished episode; compare the two")
            except SkipRecordError as error:
                yield Finding("damaged", key, str(error))
        for key, age_s in self._store.ages("episodes"):
            folder = key.rpartition("/")[0]
            if age_s >= OLD_S and folder not in known and unquote(_part(key, 2)) not in self._unsure:
                yield Finding("orphan", key, "no marker points there")

    def _of_what_was_begun(self) -> Iterator[Finding]:
        for note in unfinished(self._store):
            if isinstance(note, Unjudged):
                yield Finding("damaged", note.key, note.why)
            else:
                yield Finding("unfinished", note.episode, _UNFINISHED)
        for one in leftovers(self._store):
            if one.age_s >= OLD_S:
                yield Finding("left", one.key, "begun and never ended; a sink removes it when it starts")

    def _of_catalogue(self) -> Iterator[Finding]:
        """An hour after an episode stopped the catalogue should have it; it may never have what has no marker."""
        catalogue = Catalogue(self._store)
        if not catalogue.read():
            return
        listed = catalogue.listed()
        for episode in sorted(self._settled - set(listed)):
            yield Finding("catalogue", episode, "it is not in the catalogue: does `saltwell sink catalogue` run?")
        for episode in sorted(set(listed) - self._names):
            if not self._has_marker(episode):
                yield Finding(
                    "catalogue", episode, "it is in the catalogue and has no marker: `saltwell catalogue rebuild`"
                )
        for episode in _twice(listed):
            yield Finding("catalogue", episode, "it is in the catalogue twice: `saltwell catalogue rebuild`")

    def _has_marker(self, episode: str) -> bool:
        """Whether there is one, whatever it says."""
        try:
            return self._store.has(marker_key(episode))
        except SkipRecordError:  # no episode has such a name
            return False


def _set_aside(store: Store, key: str) -> str:
    """The folder that a note of a conflict names."""
    aside = typed(_Conflict, parse(store.get(key), key), key).set_aside
    episode = unquote(_part(key, 1))
    fits = is_manifest_of(aside.manifest, episode, aside.manifest_sha256)
    if not fits or key != conflict_key(episode, aside.manifest_sha256):
        raise SkipRecordError(f"{key} leads elsewhere, to {ascii(aside.manifest)[:200]}")
    return aside.folder


def _part(key: str, number: int) -> str:
    """A part of a key; empty when it has not so many."""
    return "".join(key.split("/")[number : number + 1])


def _twice(names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)
