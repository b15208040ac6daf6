"""What a record says for the account of its episode. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saltwell.contracts.columns import i64
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
)

Identity = tuple[str, str, str]
"""Site, robot, episode."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """Frames of a stream that are in the spool; the columns are equally long."""

    identity: Identity
    stream: str
    seqs: Sequence[int]
    captured_ns: Sequence[int]
    arrived_ns: Sequence[int]


@dataclass(frozen=True, slots=True)
class Lost:
    """Frames of a stream that have numbers and will never be in the spool."""

    identity: Identity
    stream: str
    seqs: Sequence[int]
    cause: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A stream's end in its own topic."""

    ended: StreamEnded


Event = EpisodeStarted | FramesIndexed | StreamEnded | EpisodeStopped | EpisodeAborted | EpisodeDiscarded
Fact = Numbered | Lost | Marked | Event


def fact_of(topic: str, record: Any) -> Fact:
    """The fact in a record of the topics `frames.*` and `timeline`."""
    match record:
        case StreamEnded() if topic != "timeline":
            return Marked(record)
        case (
            EpisodeStarted()
            | FramesIndexed()
            | StreamEnded()
            | EpisodeStopped()
            | EpisodeAborted()
            | EpisodeDiscarded()
        ):
            return record
        case _:
            columns = (_column(record.seq), _column(record.captured_ns), _column(record.arrived_ns))
            return Numbered(identity_of(record), record.stream, *columns)


def identity_of(record: Any) -> Identity:
    """Site, robot and episode of a record."""
    return record.site, record.robot, record.episode


def identity_of_fact(fact: Fact) -> Identity:
    """Whose account a fact belongs to."""
    match fact:
        case Numbered() | Lost():
            return fact.identity
        case Marked():
            return identity_of(fact.ended)
        case _:
            return identity_of(fact)


def lost_of(fact: Numbered, cause: str) -> Lost:
    """The same frames, lost."""
    return Lost(fact.identity, fact.stream, fact.seqs, cause)


def time_of(fact: Fact) -> int | None:
    """Edge time of a fact in ns, where it has one."""
    match fact:
        case Numbered():
            return max(fact.arrived_ns)
        case EpisodeStarted():
            return fact.started_ns
        case FramesIndexed():
            return fact.through_ns
        case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
            return fact.stopped_ns
        case _:
            return None


def _column(values: int | bytes) -> list[int]:
    """One number, or a packed column of them."""
    return [values] if isinstance(values, int) else i64(values).tolist()
