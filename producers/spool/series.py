"""The files of a spool's log: chunks go to the newest segment; when it is full, a new one is begun and it is closed."""

import threading
from collections.abc import Callable
from pathlib import Path

from producers.spool.chunk import EncodedChunk
from producers.spool.cursor import Position
from producers.spool.layout import segment_path, segments
from producers.spool.segment import SegmentWriter
from saltwell.metrics import SPOOL_BYTES


class Series:
    """Segments from `first_number` on. One thread writes; `used_bytes` and `release` are for any."""

    def __init__(self, folder: Path, *, first_number: int, segment_bytes: int, state: Callable[[], str]) -> None:
        """`state` gives the account of the open episodes, with which each segment begins."""
        self.first_number = first_number
        self._folder = folder
        self._next_number = first_number
        self._segment_bytes = segment_bytes
        self._state = state
        self._active: SegmentWriter | None = None
        self._lock = threading.Lock()
        self._used_bytes = 0
        self._count(sum(path.stat().st_size for path in segments(folder)))

    @property
    def used_bytes(self) -> int:
        """Bytes of all segments."""
        with self._lock:
            return self._used_bytes

    def release(self, size: int) -> None:
        """A segment of this size is gone."""
        self._count(-size)

    def write(self, chunk: EncodedChunk) -> Position:
        """Put a chunk on disk; gives the position behind it. OSError leaves what was there before."""
        if self._active is None or self._active.size + len(chunk.data) > self._segment_bytes:
            self._active = self._next()
        self._active.append(chunk)
        self._count(len(chunk.data))
        return Position(self._active.number, self._active.size)

    def close(self) -> None:
        """Close the newest segment; the next chunk begins another."""
        if self._active is not None:
            closed, self._active = self._active, None
            self._count(closed.seal())

    def _next(self) -> SegmentWriter:
        """The new one is on disk before the old one is closed: one of the two always tells what is open."""
        begun = SegmentWriter.create(segment_path(self._folder, self._next_number), self._state())
        self._next_number += 1
        self.close()
        self._count(begun.size)
        return begun

    def _count(self, size: int) -> None:
        with self._lock:
            self._used_bytes += size
            SPOOL_BYTES.set(self._used_bytes)
