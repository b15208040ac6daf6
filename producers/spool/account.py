"""The account of the episodes that are open in a spool: what was numbered, what is there, what is lost and why. Pure.

It is made from the records in the order of the spool. Each segment begins with it, so that the segments before
can go, and a spool that was cut off can be ended by what is left.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from producers.spool.facts import (
    Fact,
    Identity,
    Lost,
    Marked,
    Numbered,
    identity_of,
    identity_of_fact,
    lost_of,
    time_of,
)
from saltwell.contracts.columns import i64
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import (
    EpisodeAborted,
    EpisodeDiscarded,
    EpisodeStarted,
    EpisodeStopped,
    FramesIndexed,
    StreamEnded,
    StreamIndex,
)

SPOOL = "spool"
"""Cause of a loss: the edge numbered the frame, and the spool could not keep it."""

Unindexed = tuple[int, int, int]
"""Number, capture and arrival in ns of a frame that no FramesIndexed has named yet."""


@dataclass(slots=True)
class StreamAccount:
    """One stream: `missing` are the numbers up to `last` that are not there, with causes."""

    kind: StreamKind
    last: int = -1
    missing: dict[int, str] = field(default_factory=dict)
    unindexed: dict[int, Unindexed] = field(default_factory=dict)
    index_values: Mapping[str, Any] = field(default_factory=dict)
    marker: StreamEnded | None = None
    ended: bool = False

    def add(self, seq: int, captured_ns: int, arrived_ns: int) -> None:
        """A frame is there. The timeline may have named it before: a block is sent when it is full."""
        is_new = seq > self.last
        self._reach(seq)
        if is_new or self.missing.get(seq, SPOOL) != SPOOL:
            self.unindexed[seq] = (seq, captured_ns, arrived_ns)
        self.missing.pop(seq, None)

    def lose(self, seq: int, cause: str) -> None:
        """A frame has a number and will not be there, unless a copy of it is."""
        if seq > self.last or seq in self.missing:
            self._reach(seq)
            self.missing[seq] = cause

    def index(self, index: StreamIndex) -> None:
        """The timeline names frames. One that is not there yet was numbered here: the sensor did not lose it."""
        self.index_values = {name: getattr(index, name) for name in INDEX_VALUES}
        for seq in i64(index.seq).tolist():
            if self.unindexed.pop(seq, None) is None and (seq > self.last or self.missing.get(seq) == "source"):
                self.lose(seq, SPOOL)

    def _reach(self, seq: int) -> None:
        for hole in range(self.last + 1, seq):
            self.missing[hole] = "source"
        self.last = max(self.last, seq)


INDEX_VALUES = tuple(
    f.name for f in fields(StreamIndex) if f.name not in {"stream", "seq", "captured_ns", "arrived_ns"}
)
"""What a StreamIndex says of the stream as a whole."""


@dataclass(slots=True)
class EpisodeAccount:
    """One open episode."""

    identity: Identity
    next_ordinal: int = 0
    through_ns: int = 0
    streams: dict[str, StreamAccount] = field(default_factory=dict)


class Accounts:
    """The open episodes of a spool."""

    def __init__(self) -> None:
        self.episodes: dict[Identity, EpisodeAccount] = {}

    def apply(self, fact: Fact) -> None:
        """A record is in the spool."""
        if isinstance(fact, EpisodeStarted):
            self._open(fact)
        if (episode := self.episodes.get(identity_of_fact(fact))) is None:
            return
        episode.through_ns = max(episode.through_ns, time_of(fact) or 0)
        if not isinstance(fact, Numbered | Lost):
            ordinal = fact.ended.ordinal if isinstance(fact, Marked) else fact.ordinal
            episode.next_ordinal = max(episode.next_ordinal, ordinal + 1)
        self._book(episode, fact)

    def lose(self, fact: Fact) -> None:
        """A record could not be put into the spool: its frames are lost; an event was never told."""
        match fact:
            case Numbered():
                self.apply(lost_of(fact, SPOOL))
            case Lost():
                self.apply(fact)
            case _:
                return

    def _open(self, started: EpisodeStarted) -> None:
        streams = {s.name: StreamAccount(s.kind) for s in started.streams}
        self.episodes.setdefault(identity_of(started), EpisodeAccount(identity_of(started), streams=streams))

    def _book(self, episode: EpisodeAccount, fact: Fact) -> None:
        match fact:
            case EpisodeStopped() | EpisodeAborted() | EpisodeDiscarded():
                del self.episodes[episode.identity]
            case FramesIndexed():
                for index in fact.streams:
                    if stream := episode.streams.get(index.stream):
                        stream.index(index)
            case Marked():
                if stream := episode.streams.get(fact.ended.stream):
                    stream.marker = fact.ended
            case Numbered() | Lost() | StreamEnded():
                if stream := episode.streams.get(fact.stream):
                    _book_stream(stream, fact)


def _book_stream(stream: StreamAccount, fact: Numbered | Lost | StreamEnded) -> None:
    match fact:
        case Numbered():
            for frame in zip(fact.seqs, fact.captured_ns, fact.arrived_ns, strict=True):
                stream.add(*frame)
        case Lost():
            for seq in fact.seqs:
                stream.lose(seq, fact.cause)
        case StreamEnded():
            stream.ended = True


def lost_ranges(stream: StreamAccount) -> Iterator[tuple[int, int, str]]:
    """What a stream misses, as ranges of one cause each: first, count, cause."""
    first, count, cause = 0, 0, ""
    for seq in sorted(stream.missing):
        if count and seq == first + count and stream.missing[seq] == cause:
            count += 1
            continue
        if count:
            yield first, count, cause
        first, count, cause = seq, 1, stream.missing[seq]
    if count:
        yield first, count, cause
