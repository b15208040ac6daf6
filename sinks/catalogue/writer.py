"""What finished and what people said, gathered from records and written into the catalogue once a minute."""

import logging

from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import EpisodeFinished, Review
from saltwell.errors import SkipRecordError
from saltwell.metrics import CATALOGUED, DEAD_LETTERS, RECORDS_READ
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.layout import key_part
from sinks.episodes.reviews import check_review

log = logging.getLogger(__name__)

NAME = "catalogue"

EVERY_S = 60.0
"""8,200 episodes a day are 6 a minute; a commit a minute is at most 1,440 versions a day."""

COMPACT_EVERY = 60
"""Commits between two compactions: small files of an hour."""

_MOST_WAITING = 10_000


class CatalogueWriter:
    """What was taken waits until it is committed; with the process it is lost, and the next life finds it again."""

    def __init__(self, catalogue: Catalogue, codec: Codec, *, every_s: float, compact_every: int) -> None:
        self._catalogue = catalogue
        self._codec = codec
        self._every_s = every_s
        self._compact_every = compact_every
        self._commits = 0
        self._committed_s = float("-inf")
        self._names: set[str] = set()
        self._reviews: list[Review] = []

    def take(self, raw: Raw) -> None:
        """Take one record; what is none of ours is counted and passed over."""
        RECORDS_READ.labels(NAME, raw.topic).inc()
        try:
            self._keep(self._codec.decode(raw.value))
        except SkipRecordError as error:
            DEAD_LETTERS.labels(NAME, raw.topic).inc()
            log.warning("%s %d@%d: passed over: %s", raw.topic, raw.partition, raw.offset, error)

    def commit_when_due(self, now_s: float) -> None:
        """Commit what waits, when it is time. After a RetryError it still waits: call again."""
        waiting = len(self._names) + len(self._reviews)
        if waiting and (now_s - self._committed_s >= self._every_s or waiting >= _MOST_WAITING):
            self._commit()
            self._committed_s = now_s

    def _commit(self) -> None:
        self._catalogue.create()
        reviews = self._catalogue.add_reviews(self._reviews)
        self._reviews.clear()
        episodes = self._catalogue.add_episodes(self._names)
        self._names.clear()
        CATALOGUED.inc(episodes)
        log.info("%d episodes, %d reviews", episodes, reviews)
        self._commits += 1
        if self._compact_every and self._commits % self._compact_every == 0:
            self._catalogue.compact()

    def _keep(self, record: object) -> None:
        match record:
            case EpisodeFinished():
                key_part(record.episode)  # or SkipRecordError
                self._names.add(record.episode)
            case Review():
                check_review(record)
                self._reviews.append(record)
            case _:
                raise SkipRecordError(f"{type(record).__name__} does not belong here")
