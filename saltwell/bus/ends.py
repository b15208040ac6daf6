"""Which streams have ended in their own topic, and which of those ends retention has taken. Pure.

The end of a stream stands twice in the log: behind its last frame, and in the timeline. A publisher has both
acknowledged before it ends the episode. So whoever has read the end of the episode, asks then where the stream's topic
ends, reads up to there, and has not met the stream's end, never will: retention took it. The timeline's word counts
then, and what was taken of the frames is lost with the cause "log", as the ledger has it. No clock decides this.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from saltwell.contracts.results import AlignmentEnded
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStopped, StreamEnded
from saltwell.contracts.topics import frame_topic

PATIENCE_MS = 5_000
"""So long after the end of an episode nobody asks: almost always a stream's end is merely read a little later."""

_TIMELINE = "timeline"

_Place = tuple[str, str]
"""Topic and stream."""


@dataclass(slots=True)
class _Over:
    """An episode that its robot has ended: since when this is known; topics that are asked, and where those ended."""

    since_ms: int | None = None
    asked: set[str] = field(default_factory=set)
    held: dict[str, int] = field(default_factory=dict)


class Ends:
    """The ends of streams, of the episodes that are open."""

    def __init__(self, topics: Collection[str], *, patience_ms: int = PATIENCE_MS) -> None:
        """`topics` are those that are read."""
        self._topics = frozenset(topics)
        self._patience_ms = patience_ms
        self._read_to: dict[str, int] = {}
        self._ended: dict[str, set[_Place]] = {}
        self._told: dict[str, dict[_Place, StreamEnded]] = {}
        self._over: dict[str, _Over] = {}

    def read_to(self, topic: str, position: int) -> None:
        """Everything before this offset was read, or is gone."""
        self._read_to[topic] = max(position, self._read_to.get(topic, 0))

    def note(self, topic: str, record: Any) -> None:
        """Take a record that is in time; most say nothing here."""
        match record:
            case StreamEnded() if topic == _TIMELINE:
                if (place := (frame_topic(record.kind), record.stream))[0] in self._topics:
                    self._told.setdefault(record.episode, {}).setdefault(place, record)
            case StreamEnded() | AlignmentEnded():
                self._ended.setdefault(record.episode, set()).add((topic, getattr(record, "stream", "")))
            case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
                self._over.setdefault(record.episode, _Over())

    def has_ended(self, episode: str, topic: str, stream: str) -> bool:
        """Whether the stream's end was read in this topic."""
        return (topic, stream) in self._ended.get(episode, ())

    def close(self, episode: str) -> None:
        """The episode is over for the reader, too."""
        self._ended.pop(episode, None)
        self._told.pop(episode, None)
        self._over.pop(episode, None)

    def overdue(self, now_ms: int) -> frozenset[str]:
        """Topics that have not shown the end of a stream: it is time to ask where they end, and to tell `hold`.

        `now_ms` is any clock that never goes back; it only says how often is asked.
        """
        for episode, over in self._over.items():
            if over.since_ms is None:
                over.since_ms = now_ms
            elif now_ms - over.since_ms > self._patience_ms:
                over.asked = {topic for topic, _ in self._missing(episode)} - over.held.keys()
        return frozenset().union(*(over.asked for over in self._over.values()))

    def hold(self, ends: Mapping[str, int]) -> None:
        """The answer, asked behind `overdue`: where topics end, with what stands in them and is not yet committed."""
        for over in self._over.values():
            over.held |= {topic: end for topic, end in ends.items() if topic in over.asked}
            over.asked -= ends.keys()

    def taken(self) -> list[tuple[str, StreamEnded]]:
        """The ends that retention took, each with its topic; all of an episode together. To be given to `note`."""
        found: list[tuple[str, StreamEnded]] = []
        for episode, over in self._over.items():
            missing = self._missing(episode)
            if all(self._is_read(topic, over.held) for topic, _ in missing):
                found += ((topic, ended) for (topic, _), ended in missing.items())
        return found

    def _missing(self, episode: str) -> dict[_Place, StreamEnded]:
        ended = self._ended.get(episode, set())
        return {place: told for place, told in self._told.get(episode, {}).items() if place not in ended}

    def _is_read(self, topic: str, held: Mapping[str, int]) -> bool:
        return topic in held and self._read_to.get(topic, 0) >= held[topic]
