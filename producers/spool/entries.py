"""Records as entries of the spool, each with its fact for the account. Pure."""

from typing import Any

from producers.spool.chunk import Entry
from producers.spool.facts import Fact, Lost, Numbered, fact_of, time_of
from producers.spool.layout import FRAMING_BYTES, LOSSES, lanes
from producers.spool.notes import note_body
from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.contracts.schemas import record_name

_CODEC = Codec(PinnedIds())
"""Whose ids do not matter: the bytes that name them are cut off."""


def entry_of(topic: str, record: Any, *, now_ns: int) -> tuple[Entry, Fact]:
    """A record of the wire; `now_ns` is the edge time of one that has none of its own."""
    fact = fact_of(topic, record)
    logged_ns = _u64(time_of(fact) or now_ns)
    entry = Entry(
        channel_id=lanes()[topic, record_name(type(record))].channel.id,
        sequence=max(fact.seqs[0] if isinstance(fact, Numbered) else record.ordinal, 0),
        log_time_ns=logged_ns,
        publish_time_ns=_u64(fact.captured_ns[0]) if isinstance(fact, Numbered) else logged_ns,
        body=memoryview(_CODEC.encode(record))[FRAMING_BYTES:],
    )
    return entry, fact


def note_of(lost: Lost, *, now_ns: int) -> Entry:
    """A note of frames that will not come."""
    return Entry(lanes()[LOSSES, ""].channel.id, 0, now_ns, now_ns, note_body(lost))


def _u64(time_ns: int) -> int:
    """What MCAP can hold; the record itself keeps a time before 1970 as it is."""
    return max(time_ns, 0)
