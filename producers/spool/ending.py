"""How the spool ends an episode in its recorder's place: as EpisodePublisher.stop does, in the same order. Pure."""

from collections.abc import Iterator
from typing import Any

from producers.clock import SensorClock
from producers.spool.account import EpisodeAccount, StreamAccount, lost_ranges
from saltwell.contracts.columns import pack_i64
from saltwell.contracts.timeline import EpisodeAborted, FramesIndexed, SeqRange, StreamEnded, StreamIndex
from saltwell.contracts.topics import frame_topic

Addressed = tuple[str, Any]
"""Topic and record."""


def endings(episode: EpisodeAccount, reason: str) -> Iterator[Addressed]:
    """What is still to be said of an open episode: its last frames, the end of each stream, and that it was aborted."""
    ordinal = episode.next_ordinal
    if blocks := [_index(name, s) for name, s in episode.streams.items() if s.unindexed]:
        yield "timeline", FramesIndexed(*episode.identity, ordinal, episode.through_ns, blocks)
        ordinal += 1
    for name, stream in episode.streams.items():
        if not stream.ended:
            ended = stream.marker or _ended(episode, name, stream, ordinal)
            ordinal = max(ordinal, ended.ordinal + 1)
            yield frame_topic(stream.kind), ended
            yield "timeline", ended
    yield "timeline", EpisodeAborted(*episode.identity, ordinal=ordinal, stopped_ns=episode.through_ns, reason=reason)


def _ended(episode: EpisodeAccount, name: str, stream: StreamAccount, ordinal: int) -> StreamEnded:
    return StreamEnded(
        *episode.identity,
        stream=name,
        kind=stream.kind,
        ordinal=ordinal,
        last_seq=stream.last,
        count=stream.last + 1 - len(stream.missing),
        missing=tuple(SeqRange(*lost) for lost in lost_ranges(stream)),
    )


def _index(name: str, stream: StreamAccount) -> StreamIndex:
    seqs, captured, arrived = zip(*stream.unindexed.values(), strict=True)
    return StreamIndex(name, pack_i64(seqs), pack_i64(captured), pack_i64(arrived), **_index_values(stream))


def _index_values(stream: StreamAccount) -> dict[str, Any]:
    """As the last index said; of a stream that had none yet, as its clock says of these frames."""
    if stream.index_values:
        return dict(stream.index_values)
    clock = SensorClock()
    for _, captured_ns, arrived_ns in stream.unindexed.values():
        clock.add(captured_ns, arrived_ns)
    return clock.reading().as_index()
