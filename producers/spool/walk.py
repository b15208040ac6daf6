"""Reads a spool from a position on, chunk by chunk, behind the one who writes it."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from producers.spool.cursor import Position
from producers.spool.framing import Framed, Framer
from producers.spool.layout import segment_number, segments
from producers.spool.scan import DamagedSegment, SegmentReader, StoredChunk
from saltwell.contracts.codec import SchemaIds
from saltwell.metrics import SPOOL_DAMAGED

_log = logging.getLogger(__name__)


class Limits(Protocol):
    """How far segments can be read."""

    def limit_of(self, number: int) -> int | None:
        """Up to which byte; None = the segment is closed, and can be read to its end."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was read: records, and the position behind them. Without records, a segment came to its end."""

    records: Iterator[Framed]
    end: Position


class Walk:
    """A reader of one spool. What is damaged is told, counted and passed over."""

    def __init__(self, folder: Path, limits: Limits, ids: SchemaIds, position: Position) -> None:
        self._folder = folder
        self._limits = limits
        self._ids = ids
        self._position = position
        self._open: tuple[SegmentReader, Framer] | None = None

    def next(self) -> Step | None:
        """The next chunk; None when there is no more for now. StopError when another version wrote it."""
        if self._open is None and not self._open_next():
            return None
        assert self._open is not None  # noqa: S101 - opened above
        reader, framer = self._open
        limit = self._limits.limit_of(self._position.segment)
        try:
            chunk = reader.next_chunk(self._position.offset, limit=reader.size if limit is None else limit)
        except DamagedSegment as damage:
            return self._pass_over(damage, limit)
        if chunk is not None:
            self._position = Position(self._position.segment, chunk.end)
            return Step(_records(reader, framer, chunk), self._position)
        return None if limit is not None else self._leave()

    @property
    def position(self) -> Position:
        """Behind what was read."""
        return self._position

    def close(self) -> None:
        """Close the segment that is open."""
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _open_next(self) -> bool:
        for path in segments(self._folder):
            if (number := segment_number(path)) < self._position.segment:
                continue
            try:
                reader = SegmentReader(path)
            except DamagedSegment as damage:
                if self._limits.limit_of(number) is None:
                    _tell(damage)
                    continue
                return False
            start = self._position.offset if number == self._position.segment else 0
            self._position = Position(number, max(start, reader.preamble.end))
            self._open = reader, Framer(reader, self._ids)
            return True
        return False

    def _leave(self) -> Step:
        self.close()
        self._position = Position(self._position.segment + 1, 0)
        return Step(iter(()), self._position)

    def _pass_over(self, damage: DamagedSegment, limit: int | None) -> Step:
        _tell(damage)
        behind = damage.resume_at or limit
        if behind is None:
            return self._leave()
        self._position = Position(self._position.segment, behind)
        return Step(iter(()), self._position)


def _records(reader: SegmentReader, framer: Framer, chunk: StoredChunk) -> Iterator[Framed]:
    try:
        for message in reader.messages(chunk):
            if (framed := framer.frame(message)) is not None:
                yield framed
    except DamagedSegment as damage:
        _tell(damage)


def _tell(damage: DamagedSegment) -> None:
    SPOOL_DAMAGED.inc()
    _log.error("%s; passed over: its frames are listed as lost in the log", damage)
