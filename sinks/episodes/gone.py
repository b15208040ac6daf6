"""What was taken out of a store on purpose. The notes of it stay.

expired/{episode}.json    retention took the MCAP file; marker and manifest stay, and what they say of it stays true
erased/{episode}.json     a tombstone: nothing of the episode stays but this, and it does not come back
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import unquote

from saltwell.errors import RetryError, SkipRecordError
from sinks.episodes.json_text import canonical, parse, typed
from sinks.episodes.layout import key_part, robot_key
from sinks.store import Store
from sinks.store_errors import NotInStore

log = logging.getLogger(__name__)

_EXPIRED, _ERASED = "expired", "erased"
_MAX_BYTES = 64 * 1024
_NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Expired:
    """The MCAP file of an episode is gone, by which rule; it had so many bytes."""

    episode: str
    expired_ns: int
    why: str
    bytes: int

    def sentence(self) -> str:
        """For people."""
        day = datetime.fromtimestamp(self.expired_ns // _NS_PER_S, UTC)
        return f"its file of {self.bytes / 1e6:.1f} MB was removed on {day:%Y-%m-%d}: {self.why}"


@dataclass(frozen=True, slots=True)
class Erased:
    """An episode was erased, as asked for in `why`. `complete` = all its objects are gone."""

    episode: str
    site: str
    robot: str
    stopped_ns: int
    erased_ns: int
    why: str
    complete: bool


Note = TypeVar("Note", Expired, Erased)


def expired_key(episode: str) -> str:
    """The note that an episode's file is gone."""
    return f"{_EXPIRED}/{key_part(episode)}.json"


def put_expired(store: Store, note: Expired) -> None:
    """Say that a file is to go; an earlier word on it stays. When this returns, the note can be read.

    RetryError when the store says that there is a note and does not give it, SkipRecordError when it is none.
    """
    key = expired_key(note.episode)
    if not store.create(key, canonical(note)) and read_expired(store, note.episode) is None:
        raise RetryError(f"the store says that {store.uri(key)} exists, and does not give it")


def read_expired(store: Store, episode: str) -> Expired | None:
    """The note on an episode's file; None when it has not expired. SkipRecordError when it can't be read."""
    return _read(Expired, store, expired_key(episode), episode)


def expired_episodes(store: Store) -> Iterator[str]:
    """Names of all episodes whose file retention took, in no order."""
    return _names(store, _EXPIRED)


def put_erased(store: Store, note: Erased) -> None:
    """Write a tombstone, or write it again."""
    store.put(_erased_key(note.episode), canonical(note))


def read_erased(store: Store, episode: str) -> Erased | None:
    """The tombstone of an episode; None when it was not erased. SkipRecordError when it can't be read."""
    note = _read(Erased, store, _erased_key(episode), episode)
    if note is not None:
        robot_key(note.robot)  # or SkipRecordError
    return note


def erased_episodes(store: Store) -> Iterator[Erased]:
    """All tombstones that can be read, in no order; the others are said."""
    for name in erased_names(store):
        try:
            note = read_erased(store, name)
        except SkipRecordError as error:
            log.error("passed over: %s", error)  # noqa: TRY400 - the message says it all
            continue
        if note is not None:
            yield note


def erased_names(store: Store) -> Iterator[str]:
    """Names of all episodes that were erased, in no order."""
    return _names(store, _ERASED)


def _erased_key(episode: str) -> str:
    return f"{_ERASED}/{key_part(episode)}.json"


def _names(store: Store, folder: str) -> Iterator[str]:
    for key in store.list(folder):
        if match := re.fullmatch(rf"{folder}/([^/]+)\.json", key):
            yield unquote(match[1])


def _read(cls: type[Note], store: Store, key: str, episode: str) -> Note | None:
    try:
        note = typed(cls, parse(store.get(key, limit_bytes=_MAX_BYTES), key), key)
    except NotInStore:
        return None
    if note.episode != episode:
        raise SkipRecordError(f"{key} is the note of another episode, {ascii(note.episode)[:60]}")
    return note
