"""The story of one robot, in order: what the topic `timeline` carries.

The .avsc files beside this module are the truth: units, types and meaning of every field stand there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saltwell.contracts.identity import OfEpisode, StreamKind

NOT_THE_ROBOT = -1
"""Ordinal of an event that the pipeline says in the robot's place."""


@dataclass(frozen=True, slots=True)
class StreamDeclared:
    """A stream the source offers."""

    name: str
    kind: StreamKind
    rate_hz: float
    match: str
    message_type: str
    message_encoding: str
    schema_encoding: str
    schema: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EpisodeStarted(OfEpisode):
    """A robot begins an episode. First event of its timeline."""

    ordinal: int
    started_ns: int
    task: str
    anchor: str
    streams: Sequence[StreamDeclared]
    source: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StreamIndex:
    """Frames of one stream in order of arrival."""

    stream: str
    seq: bytes
    captured_ns: bytes
    arrived_ns: bytes
    clock_offset_ns: int = 0
    clock_rate_ppm: float = 0.0
    clock_residual_ns: int = 0
    clock_jumps: int = 0
    clock_jump_ns: int = 0
    clock_jump_at_ns: int = 0
    clock_source: str = "kept"


@dataclass(frozen=True, slots=True)
class FramesIndexed(OfEpisode):
    """What arrived since the last such event; at least every 250 ms, also when empty (heartbeat)."""

    ordinal: int
    through_ns: int
    streams: Sequence[StreamIndex]


@dataclass(frozen=True, slots=True)
class SeqRange:
    """Consecutive frames that share a fate."""

    first: int
    count: int
    cause: str


@dataclass(frozen=True, slots=True)
class StreamEnded(OfEpisode):
    """A stream of an episode is complete.

    Stands in the timeline, and behind the last frame in each of the stream's own topics.
    """

    stream: str
    kind: StreamKind
    ordinal: int
    last_seq: int
    count: int
    missing: Sequence[SeqRange]


@dataclass(frozen=True, slots=True)
class EpisodeStopped(OfEpisode):
    """The robot ended the episode; all its frames are in the log."""

    ordinal: int
    stopped_ns: int
    success: bool | None


@dataclass(frozen=True, slots=True)
class EpisodeDiscarded(OfEpisode):
    """The operator threw the episode away: nothing of it is kept."""

    ordinal: int
    stopped_ns: int
    reason: str


@dataclass(frozen=True, slots=True)
class EpisodeAborted(OfEpisode):
    """The episode ends with what is there; ordinal -1 = said by the pipeline in the robot's place."""

    ordinal: int
    stopped_ns: int
    reason: str
