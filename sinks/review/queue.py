"""Which episodes wait for a person."""

from collections.abc import Sequence

from saltwell.contracts.identity import Decision
from sinks.episodes.finished import FinishedEpisode, list_episodes, load_episodes
from sinks.episodes.reviews import all_reviews, standing
from sinks.store import Store


def waiting(store: Store, verdicts: Sequence[Decision]) -> list[str]:
    """Names of the episodes of these verdicts that nobody has decided on: verdicts in their order, oldest first.

    Damaged episodes are none of them. Raises SkipRecordError for an object that is no review.
    """
    decided = {review.episode for review in standing(all_reviews(store)).values() if review.decision}
    names = (name for name in list_episodes(store) if name not in decided)
    found = [
        (verdicts.index(one.manifest.decision), one.manifest.stopped_ns, one.manifest.episode)
        for one in load_episodes(store, names)
        if isinstance(one, FinishedEpisode) and one.manifest.decision in verdicts
    ]
    return [name for *_, name in sorted(found)]


def is_decided(store: Store, episode: str) -> bool:
    """Whether somebody has decided on it by now."""
    review = standing(all_reviews(store, episode=episode)).get(episode)
    return review is not None and bool(review.decision)
