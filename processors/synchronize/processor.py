"""The synchronizer: reads the timeline and nothing else, writes alignment."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from processors.synchronize.episode import EpisodeSteps
from processors.synchronize.policy import Policies
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.results import AlignmentBlock, AlignmentEnded
from saltwell.contracts.timeline import (
    NOT_THE_ROBOT,
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.contracts.topics import frame_topic

SILENT_AFTER_MS = 3_600_000
"""A robot of which the timeline, with a heartbeat every 100 ms, has told nothing for so long is not coming back."""


class Synchronize:
    """Alignment of every episode of a shard; ends episodes whose robot fell silent."""

    name = "synchronize"
    topics = ("timeline",)

    def __init__(self, *, silent_after_ms: int = SILENT_AFTER_MS, policies: Policies | None = None) -> None:
        self._silent_after_ms = silent_after_ms
        self._policies = policies or Policies()

    def open(self, shard: int) -> "SynchronizeShard":
        """Begin a shard with nothing known."""
        del shard
        return SynchronizeShard(silent_after_ms=self._silent_after_ms, policies=self._policies)


class SynchronizeShard:
    """Episodes that have begun and not ended."""

    def __init__(self, *, silent_after_ms: int, policies: Policies) -> None:
        self.silent_after_ms = silent_after_ms
        self._policies = policies
        self._episodes: dict[str, EpisodeSteps] = {}
        self._next_ordinal: dict[str, int] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Take one event of a timeline."""
        event = arrival.record
        if event.ordinal != NOT_THE_ROBOT:
            if event.ordinal < self._next_ordinal.get(event.episode, 0):
                return  # a re-send
            self._next_ordinal[event.episode] = event.ordinal + 1
        for record in self._apply(event):
            yield Output("alignment", record)

    def open_episodes(self) -> Collection[str]:
        """Episodes that have not ended."""
        return self._episodes.keys()

    def end_silent(self, episode: str) -> Iterable[Output]:
        """Each stream's end behind its last frame and in the timeline, then the episode's."""
        reason = f"the robot was silent for {self.silent_after_ms // 1000} s"
        for event in self._episodes[episode].end_silent(reason):
            if isinstance(event, StreamEnded):
                yield Output(frame_topic(event.kind), event)
            yield Output("timeline", event)

    def close(self) -> None:
        """Nothing to let go of."""

    def _apply(self, event: Any) -> Iterator[AlignmentBlock | AlignmentEnded]:
        if isinstance(event, EpisodeStarted):
            self._episodes.setdefault(event.episode, EpisodeSteps(event, self._policies))
            return
        steps = self._episodes[event.episode]
        match event:
            case FramesIndexed():
                yield from steps.index(event)
            case StreamEnded():
                steps.end_stream(event.stream)
            case EpisodeStopped():
                yield from steps.end(stopped_ns=event.stopped_ns, ending="stopped", success=event.success)
            case EpisodeAborted():
                yield from steps.end(stopped_ns=event.stopped_ns, ending="aborted", reason=event.reason)
            case EpisodeDiscarded():
                yield from steps.end(stopped_ns=event.stopped_ns, ending="discarded", reason=event.reason)
        if isinstance(event, EpisodeStopped | EpisodeAborted | EpisodeDiscarded):
            del self._episodes[event.episode]
            self._next_ordinal.pop(event.episode, None)
