"""What is left of a spool after its recorder ended, however it ended."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from producers.spool import cursor
from producers.spool.account import Accounts
from producers.spool.account_text import accounts_from_text
from producers.spool.facts import Fact, fact_of
from producers.spool.framing import Framed, Framer
from producers.spool.layout import segment_number, segments
from producers.spool.notes import note_from_body
from producers.spool.scan import DamagedSegment, SegmentReader, StoredMessage
from producers.spool.segment import cut, is_sealed
from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.errors import SkipRecordError
from saltwell.metrics import SPOOL_TORN_TAILS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A spool that can be gone on with: the episodes left open, the next segment's number, bytes cut off."""

    accounts: Accounts
    next_number: int
    torn_bytes: int


def recover(folder: Path) -> Recovered:
    """Cut torn segments back to their last whole chunk, and make the account of the episodes left open."""
    torn_bytes = sum(_mend(path) for path in segments(folder) if not is_sealed(path))
    left = segments(folder)
    last = max((segment_number(left[-1]) if left else 0), cursor.load(folder).segment)
    accounts = account_of(left[-1]) if left else Accounts()
    return Recovered(accounts, last + 1, torn_bytes)


def account_of(path: Path) -> Accounts:
    """The account at the end of a segment."""
    with SegmentReader(path) as reader:
        accounts = accounts_from_text(reader.preamble.accounts)
        for fact in facts(reader):
            accounts.apply(fact)
    return accounts


def facts(reader: SegmentReader) -> Iterator[Fact]:
    """What the whole chunks of a segment say."""
    framer, codec = Framer(reader, PinnedIds()), Codec()
    for chunk in reader.whole_chunks(_passed_over):
        for message in reader.messages(chunk):
            if (fact := _fact(framer.frame(message), message, codec)) is not None:
                yield fact


def _fact(framed: Framed | None, message: StoredMessage, codec: Codec) -> Fact | None:
    if framed is None:
        return note_from_body(message.body)
    try:
        return fact_of(framed.topic, codec.decode(framed.value))
    except SkipRecordError as error:
        _log.warning("a record of the spool counts as a hole: %s", error)  # whoever reads it will not take it either
        return None


def _mend(path: Path) -> int:
    """Cut a segment back to its last whole chunk; gives the bytes cut off."""
    damages: list[DamagedSegment] = []
    try:
        with SegmentReader(path) as reader:
            size = reader.size
            end = max((chunk.end for chunk in reader.whole_chunks(damages.append)), default=reader.preamble.end)
    except DamagedSegment as error:
        _log.error("%s; it was cut off while it was begun, or is damaged: set aside as %s", error, _set_aside(path))
        return 0
    if not damages or damages[0].offset < end:
        return 0  # whole, or damaged in the middle: the sender tells of that
    cut(path, end)
    SPOOL_TORN_TAILS.inc()
    _log.warning("%s; recovered to the last whole chunk: %d bytes cut off", damages[0], size - end)
    return size - end


def _set_aside(path: Path) -> Path:
    aside = path.with_suffix(".damaged")
    path.replace(aside)
    return aside


def _passed_over(damage: DamagedSegment) -> None:
    _log.error("%s; passed over", damage)
