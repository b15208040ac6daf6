"""Retention: the MCAP files of rejected episodes go after a while; marker, manifest and verdict stay.

The note comes before the file goes, and the catalogue is told last: what is interrupted is found again and ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.finished import FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.gone import Expired, put_expired
from sinks.episodes.layout import archive_key
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.store import Store

_MOST = 100_000
"""Most episodes of one call: a week's of a large centre."""

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

    The catalogue only says where to look: what counts is the manifest, and what people said.
    """
    names = list_episodes(store) if catalogue is None else _rejected(catalogue, before_ns)
    for one in load_episodes(store, names):
        if isinstance(one, FinishedEpisode) and one.manifest.stopped_ns < before_ns:
            review = standing(all_reviews(store, episode=one.manifest.episode)).get(one.manifest.episode)
            if corrected(one.manifest, review).decision == "reject":
                days = (now_ns - one.manifest.stopped_ns) // _NS_PER_DAY
                yield Expiry(one, f"rejected, {days} days old")


def expire(store: Store, expiry: Expiry, *, now_ns: int) -> None:
    """Remove one file. Doing it again changes nothing."""
    put_expired(store, Expired(expiry.episode, now_ns, expiry.why, expiry.bytes))
    store.remove(archive_key(expiry.one.marker.folder))


def _rejected(catalogue: Catalogue, before_ns: int) -> Iterator[str]:
    where = f"decision = 'reject' and archive = 'stored' and stopped_ns < {before_ns:d}"
    return (row["episode"] for row in find(catalogue, where, limit=_MOST).objects())
