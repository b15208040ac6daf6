"""The spool as an outbox: a record is safe on local disk, whatever the broker does."""

from typing import Any

from producers.publisher import Lost as OnLost
from producers.spool.entries import entry_of, note_of
from producers.spool.facts import Identity, Lost, Numbered
from producers.spool.layout import FRAMING_BYTES
from producers.spool.log import SpoolLog
from saltwell.contracts.topics import MAX_RECORD_BYTES


class SpoolOutbox:
    """Puts records into a spool. Nothing is lost on the way without an error, so `on_lost` is never called."""

    def __init__(self, log: SpoolLog) -> None:
        self._log = log
        self._now_ns = 0

    def send(self, topic: str, record: Any, *, on_lost: OnLost | None = None) -> int:
        """Take a record; gives its size on the wire. One over the limit is not kept.

        Raises SpoolFull when the spool has no room for a new episode, or had to abort this one.
        """
        del on_lost
        entry, fact = entry_of(topic, record, now_ns=self._now_ns)
        self._now_ns = max(self._now_ns, entry.log_time_ns)
        size = FRAMING_BYTES + len(entry.body)
        if size <= MAX_RECORD_BYTES:
            self._log.append(entry, fact)
        elif isinstance(fact, Numbered):
            self._note(Lost(fact.identity, fact.stream, fact.seqs, "too_large"))
        return size

    def lose(self, identity: Identity, stream: str, seq: int, cause: str) -> None:
        """Note a frame that has a number and will not be sent, for the account of an episode that is cut off."""
        self._note(Lost(identity, stream, [seq], cause))

    def flush(self) -> None:
        """Wait until everything taken is on disk; SpoolFull when some of it will not be."""
        self._log.flush()

    def _note(self, lost: Lost) -> None:
        self._log.append(note_of(lost, now_ns=self._now_ns), lost)
