"""Erasure of what is kept of a person: all objects of their episodes, and their rows. A tombstone stays.

The order: a tombstone that is not complete, the marker (from here on no reader sees the episode), all other objects,
the catalogue's rows and the files that held them, the tombstone again, complete. What is interrupted is ended by the
next call. A sink that meets the tombstone takes back what it wrote (`sinks/episodes/commit.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from saltwell.errors import SkipRecordError
from sinks.at_once import at_once
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.gone import Erased, erased_names, expired_key, put_erased, read_erased
from sinks.episodes.layout import home_of, key_part, marker_key
from sinks.episodes.reviews import reviews_key
from sinks.lifecycle.subject import Unjudged
from sinks.store import Store
from sinks.store_errors import NotInStore

Told = Callable[[str, int], None]
"""Hears of an object: its key, its bytes."""


def unfinished(store: Store) -> Iterator[Erased | Unjudged]:
    """Tombstones whose erasure was interrupted, or whose episode is there again; and what is no tombstone."""
    for found in at_once(partial(_unfinished, store), erased_names(store)):
        if found is not None:
            yield found


def look(store: Store, notes: Iterable[Erased], told: Told) -> None:
    """Tell of all that `erase` would remove."""
    for note in notes:
        for key in objects_of(store, note):
            told(key, _size(store, key))


def erase(catalogue: Catalogue, notes: Sequence[Erased], told: Told) -> None:
    """Erase these episodes for good, and tell of each object once it is gone."""
    store = catalogue.store
    for note in notes:
        put_erased(store, note)
        for key in [*objects_of(store, note)]:
            size = _size(store, key)
            store.remove(key)
            told(key, size)
    catalogue.erase(notes)
    for note in notes:
        put_erased(store, replace(note, complete=True))


def objects_of(store: Store, note: Erased) -> Iterator[str]:
    """Keys of everything that the store holds of an episode, the marker first."""
    name = key_part(note.episode)
    keys = (marker_key(note.episode), f"trained/{name}.json", expired_key(note.episode))
    yield from (key for key in keys if store.has(key))
    home = home_of(note.robot, note.episode)
    for folder in (f"episodes/{home}", f"training/{home}", reviews_key(note.episode), f"conflicts/{name}"):
        yield from store.list(folder)


def _unfinished(store: Store, episode: str) -> Erased | Unjudged | None:
    try:
        note = read_erased(store, episode)
    except SkipRecordError as error:
        return Unjudged(f"erased/{episode}", str(error))
    if note is None or not note.complete:
        return note
    return replace(note, complete=False) if next(objects_of(store, note), "") else None


def _size(store: Store, key: str) -> int:
    try:
        return store.size(key)
    except NotInStore:  # another erasure was first
        return 0
