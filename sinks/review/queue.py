"""Which episodes wait for a person."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from saltwell.contracts.identity import Decision
from sinks.catalogue.present import catalogue_of
from sinks.episodes.finished import FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.reviews import all_reviews, standing
from sinks.store import Store

if TYPE_CHECKING:
    from sinks.catalogue.catalogue import Catalogue

MOST_WAITING = 100_000
"""Most episodes that are looked up at once."""


def waiting(store: Store, verdicts: Sequence[Decision]) -> list[str]:
    """Names of the episodes of these verdicts that nobody has decided on: verdicts in their order, oldest first.

    From the catalogue when the store has one, of its newest `MOST_WAITING`; some may have been decided on since. Else
    every manifest is read; damaged ones wait for nobody. Raises what reading them raises.
    """
    catalogue = catalogue_of(store)
    found = _of_manifests(store, verdicts) if catalogue is None else _of_catalogue(catalogue, verdicts)
    return [name for *_, name in sorted(found)]


def _of_manifests(store: Store, verdicts: Sequence[Decision]) -> Iterator[tuple[int, int, str]]:
    decided = {review.episode for review in standing(all_reviews(store)).values() if review.decision}
    names = (name for name in list_episodes(store) if name not in decided)
    for one in load_episodes(store, names):
        if isinstance(one, FinishedEpisode) and one.manifest.decision in verdicts:
            yield verdicts.index(one.manifest.decision), one.manifest.stopped_ns, one.manifest.episode


def _of_catalogue(catalogue: "Catalogue", verdicts: Sequence[Decision]) -> Iterator[tuple[int, int, str]]:
    """A review that says as the verdict says may be one of the task only: who looks at the episode finds out."""
    from sinks.catalogue.query import find  # noqa: PLC0415 - a large library, only when there is a catalogue

    of_verdicts = " or ".join(f"verdict = '{verdict}'" for verdict in verdicts)
    where = f"archive = 'stored' and ({of_verdicts}) and (reviewer is null or decision = verdict)"
    for row in find(catalogue, where, limit=MOST_WAITING).objects():
        yield verdicts.index(row["verdict"]), row["stopped_ns"], row["episode"]


def is_decided(store: Store, episode: str) -> bool:
    """Whether somebody has decided on it by now."""
    review = standing(all_reviews(store, episode=episode)).get(episode)
    return review is not None and bool(review.decision)
