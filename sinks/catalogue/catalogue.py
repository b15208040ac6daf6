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
from sinks.episodes.gone import Erased, erased_episodes, erased_names, expired_episodes, read_erased
from sinks.episodes.layout import content_part, home_of
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
        erased = frozenset(erased_names(self.store))
        kept = self.reviews.keys()
        missing = (key for key in review_keys(self.store) if id_in(key) not in kept)
        for words in _lists(_of_others(read_reviews(self.store, missing), erased)):
            self.reviews.append(table_of(map(review_row, words), REVIEWS))
            on_tick()
        known, added = self.episodes.keys() | erased, 0
        self.episodes.append(table_of(map(tombstone_row, erased_episodes(self.store)), EPISODES))
        expired = frozenset(expired_episodes(self.store))
        for names in _lists(name for name in list_episodes(self.store) if name not in known):
            rows = self._rows(names, _say, expired)
            added += self.episodes.append(table_of(rows, EPISODES))
            on_tick()
        return added

    def rebuild(self, damaged: Damaged) -> None:
        """Make both tables again from the store. A writer that commits meanwhile wins: ours is Overtaken."""
        erased = frozenset(erased_names(self.store))
        _replace(self.reviews, REVIEWS, map(review_row, _of_others(all_reviews(self.store), erased)))
        expired = frozenset(expired_episodes(self.store))
        tombstones = map(tombstone_row, erased_episodes(self.store))
        names = (name for name in list_episodes(self.store) if name not in erased)
        _replace(self.episodes, EPISODES, chain(tombstones, self._rows(names, damaged, expired)))

    def expire(self, episodes: Collection[str]) -> None:
        """Say of these episodes that their files are gone."""
        for names in _lists(iter(episodes)):
            _persistently(self.episodes, partial(self.episodes.set, "archive", "expired", names))

    def erase(self, notes: Collection[Erased]) -> None:
        """Put tombstones in the place of episodes, forget the words on them, and remove the files that held both.

        A table that is not there has nothing to forget.
        """
        if not notes:
            return
        names = [note.episode for note in notes]
        tombstones = table_of(map(tombstone_row, notes), EPISODES)
        tables = [table for table in (self.reviews, self.episodes) if table.read()]
        for table in tables:
            _persistently(table, partial(table.delete, names))
        if self.episodes in tables:
            _persistently(self.episodes, partial(self.episodes.append, tombstones))
        for table in tables:
            _persistently(table, table.purge)

    def listed(self) -> list[str]:
        """Episodes that have a row and were not erased; one that has two is named twice."""
        stored = pc.field("archive") != "erased"
        return self._names(stored)

    def rejected(self, before_ns: int) -> list[str]:
        """Episodes that stopped before then and have their file, which the verdict or some word rejects."""
        words = self.reviews.select(["episode"], pc.field("decision") == "reject")["episode"]
        rejected = (pc.field("decision") == "reject") | pc.field("episode").isin(words.combine_chunks())
        old = (pc.field("archive") == "stored") & (pc.field("stopped_ns") < before_ns)
        return self._names(old & rejected)

    def episodes_of(self, subject: str) -> list[str]:
        """Episodes of a subject."""
        return self._names(pc.field("subject") == subject)

    def homes_of_others(self, subject: str) -> dict[str, str]:
        """Where the episodes of all others lie: the part of the content, by home (see `sinks/episodes/layout.py`)."""
        others = (pc.field("archive") != "erased") & (pc.field("subject") != subject)
        rows = self.episodes.select(["robot", "episode", "manifest_sha256"], others)
        columns = (column.to_pylist() for column in rows.columns)
        return {home_of(robot, episode): content_part(sha256) for robot, episode, sha256 in zip(*columns, strict=True)}

    def files(self) -> int:
        """How many files both tables are made of."""
        return self.reviews.files() + self.episodes.files()

    def compact(self) -> None:
        """Few files of many, and none that nobody needs."""
        for table in (self.reviews, self.episodes):
            table.compact()
            table.vacuum()

    def _names(self, which: pc.Expression) -> list[str]:
        names: list[str] = self.episodes.select(["episode"], which)["episode"].to_pylist()
        return names

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


def _of_others(reviews: Iterable[Review], erased: Collection[str]) -> Iterator[Review]:
    """Words on episodes that were not erased: one that was said meanwhile may lie in the store still."""
    return (review for review in reviews if review.episode not in erased)


def _lists(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := [*islice(items, _BATCH)]:
        yield batch


def _say(error: DamagedEpisode) -> None:
    log.error("not in the catalogue: %s", error)
