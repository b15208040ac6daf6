"""The whole story of an episode, put together from what the log kept and what came late. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from saltwell.contracts.columns import i64
from saltwell.contracts.timeline import (
    NOT_THE_ROBOT,
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)
from saltwell.ledger import end_of_stream

RECOVERED_FROM = "recovered_from"
"""Key in `EpisodeStarted.source` that names the episode this one was made from."""


@dataclass(slots=True)
class Story:
    """What the robot told, in any order and any number of times. What was said in its place is left out."""

    started: EpisodeStarted | None = None
    discarded: bool = False
    _indexed: dict[int, FramesIndexed] = field(default_factory=dict)
    _ended: dict[str, StreamEnded] = field(default_factory=dict)
    _numbers: dict[str, set[int]] = field(default_factory=dict)
    _stopped: EpisodeStopped | EpisodeAborted | None = None

    def tell(self, event: Any) -> None:
        """Take an event of the timeline."""
        if event.ordinal == NOT_THE_ROBOT:
            return
        match event:
            case EpisodeStarted():
                self.started = event
            case FramesIndexed():
                self._indexed[event.ordinal] = event
                for block in event.streams:
                    self.found(block.stream, i64(block.seq).tolist())
            case StreamEnded():
                self._ended[event.stream] = event
            case EpisodeStopped() | EpisodeAborted():
                self._stopped = event
            case EpisodeDiscarded():
                self.discarded = True

    def found(self, stream: str, seqs: list[int]) -> None:
        """Take the numbers of frames that are there."""
        self._numbers.setdefault(stream, set()).update(seqs)

    def beginning(self, name: str) -> Iterator[EpisodeStarted | FramesIndexed]:
        """The events before the frames, of an episode called `name`."""
        if self.started is not None:
            source = {**self.started.source, RECOVERED_FROM: self.started.episode}
            yield replace(self.started, episode=name, source=source)
        for _, event in sorted(self._indexed.items()):
            yield replace(event, episode=name)

    def ends(self, name: str) -> Iterator[StreamEnded]:
        """The end of each stream: the robot's own word where it is there, else what was found of it."""
        if self.started is None:
            return
        for ordinal, stream in enumerate(self.started.streams, start=self._after_index()):
            numbers = self._numbers.get(stream.name, set())
            own = self._ended.get(stream.name)
            ended = own or end_of_stream(self.started, stream.name, stream.kind, numbers, ordinal=0)
            yield replace(ended, episode=name, ordinal=ordinal)

    def ending(self, name: str) -> EpisodeStopped | EpisodeAborted | None:
        """How the episode ended."""
        if self.started is None:
            return None
        ordinal = self._after_index() + len(self.started.streams)
        if self._stopped is not None:
            return replace(self._stopped, episode=name, ordinal=ordinal)
        through_ns = max((event.through_ns for event in self._indexed.values()), default=self.started.started_ns)
        reason = "recovered, and the robot's stop never came"
        return EpisodeAborted(self.started.site, self.started.robot, name, ordinal, through_ns, reason)

    def _after_index(self) -> int:
        return max(self._indexed, default=0) + 1
