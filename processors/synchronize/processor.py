"""The synchronizer: reads the timeline and nothing else, writes alignment."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from processors.synchronize.episode import EpisodeSteps
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.errors import SkipRecordError


class Synchronize:
    """Alignment of every episode of a shard."""

    name = "synchronize"
    topics = ("timeline",)

    def open(self, shard: int) -> "SynchronizeShard":
        """Begin a shard with nothing known."""
        del shard
        return SynchronizeShard()


class SynchronizeShard:
    """Episodes that have begun and not ended."""

    def __init__(self) -> None:
        self._episodes: dict[str, EpisodeSteps] = {}
        self._next_ordinal: dict[str, int] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Take one event of a timeline."""
        event = arrival.record
        if event.ordinal < self._next_ordinal.get(event.episode, 0):
            return  # a re-send
        self._next_ordinal[event.episode] = event.ordinal + 1
        for record in self._apply(event):
            yield Output("alignment", record)

    def open_episodes(self) -> Collection[str]:
        """Episodes that have not ended."""
        return self._next_ordinal.keys()

    def close(self) -> None:
        """Nothing to let go of."""

    def _apply(self, event: Any) -> Iterator[AlignmentBlock | AlignmentEnded]:
        if isinstance(event, EpisodeStarted):
            self._episodes[event.episode] = EpisodeSteps(event)
            return
        steps = self._episodes.get(event.episode)
        if steps is None:
            del self._next_ordinal[event.episode]
            raise SkipRecordError(f"episode {event.episode} has no EpisodeStarted")
        match event:
            case FramesIndexed():
                yield from steps.index(event)
            case StreamEnded():
                steps.end_stream(event.stream)
            case EpisodeStopped():
                yield from steps.end(stopped_ns=event.stopped_ns, ending="stopped", success=event.success)
                self._forget(event.episode)
            case EpisodeAborted():
                yield from steps.end(stopped_ns=0, ending="aborted", success=None)
                self._forget(event.episode)
            case EpisodeDiscarded():
                self._forget(event.episode)

    def _forget(self, episode: str) -> None:
        del self._episodes[episode], self._next_ordinal[episode]
