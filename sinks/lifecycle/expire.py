"""Retention: the MCAP files of rejected episodes go after a while; marker, manifest and verdict stay.

The note comes before the file goes, and the catalogue is told last: what is interrupted is found again and ended.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.finished import FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.gone import Expired, expired_episodes, put_expired
from sinks.episodes.layout import archive_key
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.store import Store

log = logging.getLogger(__name__)

_NS_PER_DAY = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Expiry:
    """A file that is to go."""

    one: FinishedEpisode
    why: str

    @property
    def episode(self) -> str:
        """Its episode."""
        return self.one.manifest.episode

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.one.marker.archive_bytes


def due(store: Store, catalogue: Catalogue | None, *, before_ns: int, now_ns: int) -> Iterator[Expiry]:
    """Files of rejected episodes that stopped before then, a review's word before the verdict's.

    The catalogue only says where to look: what counts is the manifest, and what people said. A file that has gone
    already is named again only while the catalogue doesn't know.
    """
    names = list_episodes(store) if catalogue is None else catalogue.rejected(before_ns)
    noted = frozenset(expired_episodes(store)) if catalogue is None else frozenset[str]()
    for one in load_episodes(store, names):
        if not isinstance(one, FinishedEpisode):
            log.error("its file stays: %s", one)
        elif _is_due(store, one, before_ns) and not (one.manifest.episode in noted and _is_gone(store, one)):
            days = (now_ns - one.manifest.stopped_ns) // _NS_PER_DAY
            yield Expiry(one, f"rejected, {days} days old")


def expire(store: Store, expiry: Expiry, *, now_ns: int) -> None:
    """Remove one file. Doing it again changes nothing. SkipRecordError when its note can't be read: the file stays."""
    put_expired(store, Expired(expiry.episode, now_ns, expiry.why, expiry.bytes))
    store.remove(archive_key(expiry.one.marker.folder))


def _is_due(store: Store, one: FinishedEpisode, before_ns: int) -> bool:
    if one.manifest.stopped_ns >= before_ns:
        return False
    review = standing(all_reviews(store, episode=one.manifest.episode)).get(one.manifest.episode)
    return corrected(one.manifest, review).decision == "reject"


def _is_gone(store: Store, one: FinishedEpisode) -> bool:
    return not store.has(archive_key(one.marker.folder))
