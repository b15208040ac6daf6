"""What became of every frame: sent = written + lost, with a cause for each loss. Pure."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from saltwell.contracts.identity import OfEpisode, StreamKind
from saltwell.contracts.results import StreamLedger
from saltwell.contracts.timeline import SeqRange, StreamEnded


def stream_ledger(
    ended: StreamEnded, *, seen: AbstractSet[int], unreadable: AbstractSet[int], duplicates: int
) -> StreamLedger:
    """Ledger of a stream that is complete.

    `seen` are the distinct frames found in the log, `unreadable` those of them that can't be read. Frames that
    were published and not found are lost with the cause "log". Where the pipeline ended the stream in a dead robot's
    place, frames may be in the log that the marker does not know of; they count as sent.
    """
    missing = list(ended.missing)
    accounted = {seq for r in missing for seq in range(r.first, r.first + r.count)}
    readable = (seen - unreadable) - accounted
    sent = max(ended.last_seq, max(seen, default=-1)) + 1
    gone = set(range(sent)) - seen - accounted
    missing += ranges(unreadable - accounted, "unreadable")
    missing += ranges(gone, "log")
    return StreamLedger(
        stream=ended.stream,
        kind=ended.kind,
        sent=sent,
        written=len(readable),
        lost=sent - len(readable),
        duplicates=duplicates,
        dead=len(unreadable) + sum(r.count for r in ended.missing if r.cause == "malformed"),
        missing=sorted(missing, key=lambda r: r.first),
    )


def lost_frames(ledger: StreamLedger) -> set[int]:
    """Numbers of the frames that are listed as lost."""
    return {seq for r in ledger.missing for seq in range(r.first, r.first + r.count)}


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
        missing=[*ranges(set(range(last + 1)) - numbers, "source")],
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
