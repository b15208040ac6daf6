"""One spool: its folder, locked for one process; the log; and the sender."""

import fcntl
import logging
from pathlib import Path
from typing import IO, Self

from producers.spool.layout import LOCK
from producers.spool.link import KafkaLink, Link
from producers.spool.log import DURABLE_MS, SpoolLog
from producers.spool.outbox import SpoolOutbox
from producers.spool.recovery import recover
from producers.spool.room import Room
from producers.spool.sender import Connect, Sender
from saltwell.contracts.codec import SchemaIds
from saltwell.contracts.registry import schema_ids
from saltwell.errors import StopError

_logger = logging.getLogger(__name__)

CUT_OFF = "the recorder ended in mid-episode (power loss, crash or kill); what it had not put on disk is not listed"
"""Reason of an episode that the next start has to end: its last moments, at most the time to durable, left no trace."""


class Spool:
    """A spool that is open: `with Spool(folder, room=...) as spool:`.

    Episodes that the last recorder left open are ended at once. Raises StopError when the folder can't be written or
    another process has it.
    """

    def __init__(self, folder: Path, *, room: Room, durable_ms: int = DURABLE_MS) -> None:
        self.folder = folder
        self._lock = _locked(folder)
        self._sender: Sender | None = None
        try:
            recovered = recover(folder)
            self.torn_bytes = recovered.torn_bytes
            is_open = bool(recovered.accounts.episodes)
            self.log = SpoolLog(folder, recovered, room=room, durable_ms=durable_ms)
            if is_open:
                self.log.end_open(CUT_OFF)
        except OSError as error:
            raise StopError(f"{folder}: can't be used as a spool: {error}; choose another folder") from error

    def outbox(self) -> SpoolOutbox:
        """Where a publisher puts its records."""
        return SpoolOutbox(self.log)

    def send_to(self, connect: Connect) -> Sender:
        """Begin to send, beside the recording."""
        self._sender = Sender(self.folder, self.log, connect)
        self._sender.start()
        return self._sender

    def abort(self, reason: str) -> None:
        """End the episodes that are open, as aborted."""
        self.log.end_open(reason)

    def close(self) -> None:
        """Stop recording and sending. What is not acknowledged stays, and is sent the next time."""
        self.log.close()
        if self._sender is not None:
            self._sender.stop()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def to_kafka(bootstrap: str) -> Connect:
    """How a sender gets to a broker, and to the ids of its registry."""

    def connect() -> tuple[Link, SchemaIds]:
        ids = schema_ids()
        return KafkaLink(bootstrap), ids

    return connect


def _locked(folder: Path) -> IO[bytes]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise StopError(f"{folder}: another process records into this spool or sends it; wait for it") from error
    except OSError as error:
        raise StopError(f"{folder}: can't be used as a spool: {error}; choose another folder") from error
    return lock
