"""What became of every frame: sent = written + lost, with a cause for each loss. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from saltwell.contracts.identity import OfEpisode, StreamKind
from saltwell.contracts.results import StreamLedger
from saltwell.contracts.timeline import SeqRange, StreamEnded


def stream_ledger(
    ended: StreamEnded, *, seen: AbstractSet[int], unreadable: AbstractSet[int], duplicates: int
) -> StreamLedger:
    """Ledger of a stream that is complete. It balances for every `ended` that the codec lets in.

    `seen` are the distinct frames found in the log, `unreadable` those of them that can't be read. Frames that
    were published and not found are lost with the cause "log". What is in the log is not lost, though the source may
    have given it up (a broker that took a frame and could not say so). Where the pipeline ended the stream in a dead
    robot's place, frames may be in the log that the marker does not know of; they count as sent.
    """
    sent = max(ended.last_seq, max(seen, default=-1)) + 1
    found = [*ranges(seen, "")]
    listed = [*_without(ended.missing, found)]
    dead = unreadable & seen
    missing = [*listed, *ranges(dead, "unreadable"), *_gaps([*found, *listed], sent, "log")]
    return StreamLedger(
        stream=ended.stream,
        kind=ended.kind,
        sent=sent,
        written=len(seen) - len(dead),
        lost=sent - len(seen) + len(dead),
        duplicates=duplicates,
        dead=len(dead) + sum(r.count for r in listed if r.cause == "malformed"),
        missing=sorted(missing, key=lambda r: r.first),
    )


def end_of_stream(
    of: OfEpisode, stream: str, kind: StreamKind, numbers: AbstractSet[int], *, ordinal: int
) -> StreamEnded:
    """The end of a stream in its robot's place, from the numbers that were told; the source lost the others."""
    last = max(numbers, default=-1)
    return StreamEnded(
        site=of.site,
        robot=of.robot,
        episode=of.episode,
        stream=stream,
        kind=kind,
        ordinal=ordinal,
        last_seq=last,
        count=len(numbers),
        missing=[*_gaps([*ranges(numbers, "")], last + 1, "source")],
    )


def balances(ledger: StreamLedger) -> bool:
    """Whether every frame is written or listed as lost."""
    return ledger.sent == ledger.written + ledger.lost and ledger.lost == sum(r.count for r in ledger.missing)


def ranges(seqs: Iterable[int], cause: str) -> Iterator[SeqRange]:
    """Frame numbers as consecutive ranges with one cause."""
    first = last = None
    for seq in sorted(seqs):
        if last is not None and first is not None and seq == last + 1:
            last = seq
            continue
        if first is not None and last is not None:
            yield SeqRange(first, last - first + 1, cause)
        first = last = seq
    if first is not None and last is not None:
        yield SeqRange(first, last - first + 1, cause)


def _gaps(covered: Iterable[SeqRange], end: int, cause: str) -> Iterator[SeqRange]:
    """What lies in none of the ranges, from 0 to before `end`; numbers are not held one by one: they may be absurd."""
    at = 0
    for r in sorted(covered, key=lambda r: r.first):
        if r.first > at:
            yield SeqRange(at, min(r.first, end) - at, cause)
        at = max(at, r.first + r.count)
    if at < end:
        yield SeqRange(at, end - at, cause)


def _without(listed: Iterable[SeqRange], found: Sequence[SeqRange]) -> Iterator[SeqRange]:
    """The listed ranges without the frames that were found after all (ranges in order, apart from each other)."""
    for r in listed:
        at, end = r.first, r.first + r.count
        for hit in found[bisect_left(found, at, key=lambda f: f.first + f.count - 1) :]:
            if hit.first >= end:
                break
            if hit.first > at:
                yield SeqRange(at, hit.first - at, r.cause)
            at = hit.first + hit.count
        if at < end:
            yield SeqRange(at, end - at, r.cause)
