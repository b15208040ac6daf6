"""Writes one segment: a chunk is on disk when `append` comes back, or not at all."""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Self

from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, DataEnd, Footer, Schema, Statistics

from producers.spool.chunk import EncodedChunk
from producers.spool.layout import MAGIC, preamble, schemas_and_channels, segment_number, serialized

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync
_TAIL = struct.Struct("<BQQQI8s")  # the footer record and the magic behind it


class SegmentWriter:
    """The segment that is being written. Every call may raise OSError, and leaves the file as it was then."""

    def __init__(self, path: Path, fd: int, size: int) -> None:
        self.path = path
        self.number = segment_number(path)
        self.size = size
        self._fd = fd
        self._indexes: list[ChunkIndex] = []
        self._counts: dict[int, int] = {}
        self._is_torn = False

    @classmethod
    def create(cls, path: Path, state: str) -> Self:
        """Begin a segment with an account of the open episodes; both file and name are on disk afterwards."""
        data = preamble(state)
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            _write(fd, data)
            os.fsync(fd)
            sync_folder(path.parent)
        except OSError:
            os.close(fd)
            with suppress(OSError):
                path.unlink()
            raise
        return cls(path, fd, len(data))

    def append(self, chunk: EncodedChunk) -> None:
        """Put a chunk behind the others, and wait until the disk has it."""
        try:
            _write(self._fd, chunk.data)
            _sync(self._fd)
        except OSError:
            self._take_back()
            raise
        self._indexes.append(chunk.chunk_index(self.size))
        for channel, count in chunk.messages.items():
            self._counts[channel] = self._counts.get(channel, 0) + count
        self.size += len(chunk.data)

    def seal(self) -> int:
        """Write the summary, so that other programs open the file as any MCAP file; close it. Gives its bytes.

        Without a summary, when the disk has no room for one, a segment is read as well.
        """
        summary = self._summary()
        try:
            if self._is_torn:
                return 0
            _write(self._fd, summary)
            os.fsync(self._fd)
        except OSError:
            self._take_back()
            return 0
        else:
            return len(summary)
        finally:
            os.close(self._fd)

    def _take_back(self) -> None:
        """Cut off what was begun."""
        try:
            os.ftruncate(self._fd, self.size)
            os.lseek(self._fd, self.size, os.SEEK_SET)
        except OSError:
            self._is_torn = True  # as after a power loss: what is whole is read

    def _summary(self) -> bytes:
        data_end = serialized(DataEnd(0))
        counts = dict(sorted(self._counts.items()))
        statistics = Statistics(
            attachment_count=0,
            channel_count=sum(isinstance(r, Channel) for r in schemas_and_channels()),
            channel_message_counts=counts,
            chunk_count=len(self._indexes),
            message_count=sum(counts.values()),
            message_start_time=min((i.message_start_time for i in self._indexes), default=0),
            message_end_time=max((i.message_end_time for i in self._indexes), default=0),
            metadata_count=1,
            schema_count=sum(isinstance(r, Schema) for r in schemas_and_channels()),
        )
        records = serialized(*schemas_and_channels(), statistics, *self._indexes)
        footer = Footer(summary_start=self.size + len(data_end), summary_offset_start=0, summary_crc=0)
        return data_end + records + serialized(footer) + MAGIC


def is_sealed(path: Path) -> bool:
    """Whether a segment has its summary: it was closed, and nothing is behind it."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL.size, 0))
        tail = file.read()
    if len(tail) < _TAIL.size:
        return False
    opcode, _, _, _, _, magic = _TAIL.unpack(tail)
    return bool(opcode == Opcode.FOOTER and magic == MAGIC)


def cut(path: Path, size: int) -> None:
    """Cut a torn segment back to its last whole chunk."""
    with path.open("r+b") as file:
        file.truncate(size)
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk knows which files there are."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write(fd: int, data: bytes) -> None:
    """All of it: one call writes a part only when the disk becomes full."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
