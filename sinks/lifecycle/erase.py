"""Erasure of what is kept of a person: all objects of their episodes, and their rows. A tombstone stays.

The order: a tombstone that is not complete, the marker (from here on no reader sees the episode), all other objects,
the catalogue's rows and the files that held them, the tombstone again, complete. What is interrupted is ended by the
next call.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.finished import FinishedEpisode, load_episodes
from sinks.episodes.gone import Erased, erased_episodes, expired_key, put_erased
from sinks.episodes.layout import key_part, marker_key, robot_key
from sinks.episodes.reviews import reviews_key
from sinks.store import Store

_MOST = 100_000

SUBJECT = "subject"
"""Where an episode's source says whom it shows, or whose consent it rests on."""


def of_subject(catalogue: Catalogue, subject: str, *, why: str, now_ns: int) -> list[Erased]:
    """Tombstones of all finished episodes of a subject, not yet written. The catalogue must know all markers."""
    text = subject.replace("'", "''")
    names = [row["episode"] for row in find(catalogue, f"subject = '{text}'", limit=_MOST).objects()]
    return [
        Erased(manifest.episode, manifest.site, manifest.robot, manifest.stopped_ns, now_ns, why, complete=False)
        for one in load_episodes(catalogue.store, names)
        if isinstance(one, FinishedEpisode) and (manifest := one.manifest).provenance.source.get(SUBJECT) == subject
    ]


def unfinished(store: Store) -> list[Erased]:
    """Tombstones whose erasure was interrupted."""
    return [note for note in erased_episodes(store) if not note.complete]


def objects_of(store: Store, note: Erased) -> Iterator[str]:
    """Keys of everything that the store holds of an episode, the marker first."""
    name = key_part(note.episode)
    keys = (marker_key(note.episode), f"trained/{name}.json", expired_key(note.episode))
    yield from (key for key in keys if store.has(key))
    for folder in (
        f"{robot_key(note.robot)}/{name}",
        f"training/{key_part(note.robot)}/{name}",
        reviews_key(note.episode),
        f"conflicts/{name}",
    ):
        yield from store.list(folder)


def erase(catalogue: Catalogue, notes: Sequence[Erased]) -> None:
    """Erase these episodes for good."""
    store = catalogue.store
    for note in notes:
        put_erased(store, note)
        store.remove(marker_key(note.episode))
        for key in [*objects_of(store, note)]:
            store.remove(key)
    catalogue.erase(notes)
    for note in notes:
        put_erased(store, replace(note, complete=True))
