"""The catalogue of a store: two tables made from what the store holds, and nothing in them that can't be made again.

catalogue/episodes    a row an episode, from marker and manifest
catalogue/reviews     a row a person's word, from reviews/
"""

import logging
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from saltwell.contracts.results import Review
from saltwell.errors import SkipRecordError
from sinks.catalogue.rows import EPISODES, REVIEWS, Row, episode_row, review_row, table_of, tombstone_row
from sinks.catalogue.table import Overtaken, Table
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.gone import Erased, erased_episodes, expired_episodes, read_erased
from sinks.episodes.reviews import all_reviews, id_in, put_review, read_reviews, review_keys
from sinks.store import Store

log = logging.getLogger(__name__)

_BATCH = 4096
_TRIES = 5

T = TypeVar("T")

Damaged = Callable[[DamagedEpisode], None]


class Catalogue:
    """Both tables. `create` or `read` it first; errors are those of `Table`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.episodes = Table(store, "episodes", EPISODES, key="episode", time_ns="stopped_ns")
        self.reviews = Table(store, "reviews", REVIEWS, key="review", time_ns="reviewed_ns")

    def read(self) -> bool:
        """Look at the newest versions; False when there is no catalogue."""
        there = self.reviews.read()
        return self.episodes.read() and there

    def create(self) -> None:
        """Begin empty tables where there are none."""
        self.reviews.create()
        self.episodes.create()

    def add_episodes(self, names: Iterable[str]) -> int:
        """Add the episodes of these names that have a marker; gives how many are new.

        What has no marker in this store does not exist; what is damaged can't be listed, and is said.
        """
        return self.episodes.append(table_of(self._rows(names, _say), EPISODES))

    def add_reviews(self, reviews: Iterable[Review]) -> int:
        """Add words that are not there yet, to the store first; gives how many."""
        by_id = {review_row(review)["review"]: review for review in reviews}
        new = self.reviews.unknown(table_of(map(review_row, by_id.values()), REVIEWS))
        kept = [by_id[name] for name in new["review"].to_pylist() if not self._is_erased(by_id[name].episode)]
        for review in kept:
            put_review(self.store, review)
        return self.reviews.append(table_of(map(review_row, kept), REVIEWS))

    def add_missing(self, on_tick: Callable[[], None]) -> int:
        """Add what is in the store and not in the tables; gives how many episodes. `on_tick` hears that it goes on."""
        kept = self.reviews.keys()
        missing = (key for key in review_keys(self.store) if id_in(key) not in kept)
        for words in _lists(read_reviews(self.store, missing)):
            self.reviews.append(table_of(map(review_row, words), REVIEWS))
            on_tick()
        known, added = self.episodes.keys(), 0
        self.episodes.append(table_of(map(tombstone_row, erased_episodes(self.store)), EPISODES))
        expired = frozenset(expired_episodes(self.store))
        for names in _lists(list_episodes(self.store)):
            rows = self._rows((name for name in names if name not in known), _say, expired)
            added += self.episodes.append(table_of(rows, EPISODES))
            on_tick()
        return added

    def rebuild(self, damaged: Damaged) -> None:
        """Make both tables again from the store. A writer that commits meanwhile wins: ours is Overtaken."""
        _replace(self.reviews, REVIEWS, map(review_row, all_reviews(self.store)))
        expired = frozenset(expired_episodes(self.store))
        tombstones = map(tombstone_row, erased_episodes(self.store))
        _replace(self.episodes, EPISODES, chain(tombstones, self._rows(list_episodes(self.store), damaged, expired)))

    def expire(self, episodes: Collection[str]) -> None:
        """Say of these episodes that their files are gone."""
        for names in _lists(iter(episodes)):
            _persistently(self.episodes, partial(self.episodes.set, "archive", "expired", names))

    def erase(self, notes: Collection[Erased]) -> None:
        """Put tombstones in the place of episodes, forget the words on them, and remove the files that held both."""
        if not notes:
            return
        names = [note.episode for note in notes]
        tombstones = table_of(map(tombstone_row, notes), EPISODES)
        for table in (self.reviews, self.episodes):
            _persistently(table, partial(table.delete, names))
        _persistently(self.episodes, partial(self.episodes.append, tombstones))
        for table in (self.reviews, self.episodes):
            _persistently(table, table.purge)

    def listed(self) -> list[str]:
        """Episodes that have a row and were not erased; one that has two is named twice."""
        stored = pc.field("archive") != "erased"
        names: list[str] = self.episodes.dataset().to_table(["episode"], filter=stored)["episode"].to_pylist()
        return names

    def files(self) -> int:
        """How many files both tables are made of."""
        return self.reviews.files() + self.episodes.files()

    def compact(self) -> None:
        """Few files of many, and none that nobody needs."""
        for table in (self.reviews, self.episodes):
            table.compact()
            table.vacuum()

    def _rows(self, names: Iterable[str], damaged: Damaged, expired: Collection[str] = frozenset()) -> Iterator[Row]:
        for one in load_episodes(self.store, names):
            if isinstance(one, FinishedEpisode):
                yield episode_row(one, archive="expired" if one.manifest.episode in expired else "stored")
            else:
                damaged(one)

    def _is_erased(self, episode: str) -> bool:
        try:
            return read_erased(self.store, episode) is not None
        except SkipRecordError:
            return True  # a tombstone, whatever it says


def _persistently(table: Table, act: Callable[[], object]) -> None:
    """Do it upon the newest version; again when a writer was first, which the sink is once a minute."""
    for _ in range(_TRIES):
        table.read()
        with suppress(Overtaken):
            act()
            return
    table.read()
    act()


def _replace(table: Table, schema: pa.Schema, rows: Iterator[Row]) -> None:
    """They lie in a file before they are written: they may be millions, and what reads them raises errors of ours."""
    table.begin_anew()
    with tempfile.NamedTemporaryFile(prefix="catalogue-") as file:
        with pa.ipc.new_file(file.name, schema) as writer:
            for batch in _lists(rows):
                writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
        with pa.memory_map(file.name) as mapped:
            made = pa.ipc.open_file(mapped)
            batches = (made.get_batch(number) for number in range(made.num_record_batches))
            table.replace(pa.RecordBatchReader.from_batches(schema, batches))


def _lists(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := [*islice(items, _BATCH)]:
        yield batch


def _say(error: DamagedEpisode) -> None:
    log.error("not in the catalogue: %s", error)
