"""The spool's log and what could stand in its place: each has a batch on disk when it comes back."""

import sqlite3
from collections.abc import Sequence
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from producers.spool.chunk import Entry, encode_chunk
from producers.spool.layout import segment_path
from producers.spool.log import SEGMENT_BYTES
from producers.spool.segment import SegmentWriter

_MAP_BYTES = 16 * 1024**3
_DRAFT = '{"episodes": []}'


class Log(Protocol):
    """A log of batches."""

    def append(self, batch: Sequence[Entry]) -> None:
        """Put a batch on disk."""

    def drop_oldest(self) -> None:
        """Remove the oldest batch: it was acknowledged."""

    def close(self) -> None:
        """Close the files."""


class Segments:
    """MCAP segments, as producers/spool writes them; the oldest goes when all its batches were dropped."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)
        self._batches: list[SegmentWriter] = []
        self._writer = self._begin()

    def append(self, batch: Sequence[Entry]) -> None:
        """Put a batch on disk."""
        chunk = encode_chunk(batch)
        if self._writer.size + len(chunk.data) > SEGMENT_BYTES:
            self._writer.seal()
            self._writer = self._begin()
        self._writer.append(chunk)
        self._batches.append(self._writer)

    def drop_oldest(self) -> None:
        """Remove the oldest batch."""
        oldest = self._batches.pop(0)
        if oldest is not self._writer and (not self._batches or self._batches[0] is not oldest):
            oldest.path.unlink()

    def close(self) -> None:
        """Close the segment."""
        self._writer.seal()

    def _begin(self) -> SegmentWriter:
        return SegmentWriter.create(segment_path(self._folder, next(self._numbers)), _DRAFT)


class Sqlite:
    """One table in WAL mode; a commit waits for the disk."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "spool.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("CREATE TABLE log (n INTEGER PRIMARY KEY, batch INT, channel INT, time INT, body BLOB)")
        self._db.execute("CREATE INDEX by_batch ON log (batch)")
        self._next, self._oldest = 0, 0

    def append(self, batch: Sequence[Entry]) -> None:
        """Put a batch on disk."""
        self._db.execute("BEGIN")
        rows = ((self._next, e.channel_id, e.log_time_ns, e.body) for e in batch)
        self._db.executemany("INSERT INTO log (batch, channel, time, body) VALUES (?, ?, ?, ?)", rows)
        self._db.execute("COMMIT")
        self._next += 1

    def drop_oldest(self) -> None:
        """Remove the oldest batch."""
        self._db.execute("DELETE FROM log WHERE batch = ?", (self._oldest,))
        self._oldest += 1

    def close(self) -> None:
        """Close the file."""
        self._db.close()


class Lmdb:
    """One map with the number of the record as key; a commit waits for the disk."""

    def __init__(self, folder: Path) -> None:
        lmdb: Any = import_module("lmdb")  # it has no types
        self._db: Any = lmdb.open(str(folder), map_size=_MAP_BYTES)
        self._batches: list[range] = []
        self._next = 0

    def append(self, batch: Sequence[Entry]) -> None:
        """Put a batch on disk."""
        with self._db.begin(write=True) as transaction:
            for n, entry in enumerate(batch, start=self._next):
                head = entry.channel_id.to_bytes(2, "big") + entry.log_time_ns.to_bytes(8, "big")
                transaction.put(n.to_bytes(8, "big"), head + bytes(entry.body), append=True)
        self._batches.append(range(self._next, self._next + len(batch)))
        self._next += len(batch)

    def drop_oldest(self) -> None:
        """Remove the oldest batch."""
        with self._db.begin(write=True) as transaction:
            for n in self._batches.pop(0):
                transaction.delete(n.to_bytes(8, "big"))

    def close(self) -> None:
        """Close the file."""
        self._db.close()


LOGS: dict[str, type[Segments] | type[Sqlite] | type[Lmdb]] = {
    "MCAP segments": Segments,
    "SQLite, WAL": Sqlite,
    "LMDB": Lmdb,
}
