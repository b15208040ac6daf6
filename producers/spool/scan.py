"""Reads segments, whole or torn. Whatever the bytes, it raises DamagedSegment and nothing else."""

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Self

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.opcode import Opcode
from mcap.records import Channel, Metadata, Schema

from producers.spool.chunk import CHUNK_HEAD, MESSAGE_HEAD
from producers.spool.layout import MAGIC, STATE, checksum
from saltwell.errors import SkipRecordError

_RECORD_HEAD = struct.Struct("<BQ")
_MAX_RECORD_BYTES = 64 * 1024 * 1024
_BETWEEN_CHUNKS = {Opcode.MESSAGE_INDEX, Opcode.METADATA, Opcode.SCHEMA, Opcode.CHANNEL, Opcode.HEADER}


class DamagedSegment(SkipRecordError):
    """Bytes of a segment that are not what was written; `resume_at` is the next record, where that can be said."""

    def __init__(self, path: Path, offset: int, what: str, *, resume_at: int | None = None) -> None:
        super().__init__(f"{path}: {what} at byte {offset}")
        self.offset = offset
        self.resume_at = resume_at


@dataclass(frozen=True, slots=True)
class Preamble:
    """What a segment begins with, and where its chunks begin."""

    accounts: str
    channels: Mapping[int, Channel]
    schemas: Mapping[int, Schema]
    end: int


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk record that is whole: where it lies and what its messages are."""

    start: int
    end: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of a chunk; `body` is a view of the chunk, `offset` its place in the chunk's messages."""

    channel_id: int
    sequence: int
    log_time_ns: int
    offset: int
    body: memoryview


class SegmentReader:
    """An open segment; raises DamagedSegment when not even its begin is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDONLY)
        try:
            self.preamble = self._read_preamble()
        except DamagedSegment:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of the file by now."""
        return os.fstat(self._fd).st_size

    def next_chunk(self, offset: int, *, limit: int) -> StoredChunk | None:
        """The first chunk at or behind a record's offset; None when the data ends there, at `limit` or by its end."""
        while offset < limit:
            opcode, end = self._head(offset, limit)
            if opcode == Opcode.CHUNK:
                return self._chunk(offset, end)
            if opcode == Opcode.DATA_END:
                return None
            if opcode not in _BETWEEN_CHUNKS:
                raise DamagedSegment(self.path, offset, f"no record has the opcode {opcode}")
            offset = end
        return None

    def whole_chunks(self, on_damage: Callable[[DamagedSegment], None]) -> Iterator[StoredChunk]:
        """All chunks that are whole, in order; what is not is told, and passed over where the next record is known."""
        at: int | None = self.preamble.end
        limit = self.size
        while at is not None:
            try:
                chunk = self.next_chunk(at, limit=limit)
            except DamagedSegment as damage:
                on_damage(damage)
                at = damage.resume_at
                continue
            if chunk is None:
                return
            yield chunk
            at = chunk.end

    def messages(self, chunk: StoredChunk) -> Iterator[StoredMessage]:
        """The messages of a chunk, in order."""
        at, view = 0, memoryview(chunk.data)
        while at < len(view):
            try:
                opcode, length, channel, sequence, log_time_ns, _ = MESSAGE_HEAD.unpack_from(view, at)
            except struct.error as error:
                raise self._unreadable(chunk) from error
            end = at + _RECORD_HEAD.size + length
            if opcode != Opcode.MESSAGE or channel not in self.preamble.channels or not at < end <= len(view):
                raise self._unreadable(chunk)
            yield StoredMessage(channel, sequence, log_time_ns, at, view[at + MESSAGE_HEAD.size : end])
            at = end

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _unreadable(self, chunk: StoredChunk) -> DamagedSegment:
        return DamagedSegment(self.path, chunk.start, "a chunk of something else", resume_at=chunk.end)

    def _head(self, offset: int, limit: int) -> tuple[int, int]:
        """Opcode of the record at an offset, and where it ends."""
        head = os.pread(self._fd, _RECORD_HEAD.size, offset)
        if len(head) < _RECORD_HEAD.size:
            raise DamagedSegment(self.path, offset, "a record is cut off")
        opcode, length = _RECORD_HEAD.unpack(head)
        end = offset + len(head) + length
        if length > _MAX_RECORD_BYTES or end > limit:
            raise DamagedSegment(self.path, offset, f"a record of {length} bytes is cut off")
        return opcode, end

    def _chunk(self, offset: int, end: int) -> StoredChunk:
        head = os.pread(self._fd, CHUNK_HEAD.size, offset)
        data = os.pread(self._fd, max(end - offset - CHUNK_HEAD.size, 0), offset + CHUNK_HEAD.size)
        if len(head) + len(data) < max(end - offset, CHUNK_HEAD.size):
            raise DamagedSegment(self.path, offset, "a chunk is cut off")
        *_, size, crc, compression, stored = CHUNK_HEAD.unpack(head)
        if compression or not size == stored == len(data) or zlib.crc32(data) != crc:
            raise DamagedSegment(self.path, offset, "a chunk with another checksum", resume_at=end)
        return StoredChunk(offset, end, data)

    def _read_preamble(self) -> Preamble:
        if os.pread(self._fd, len(MAGIC), 0) != MAGIC:
            raise DamagedSegment(self.path, 0, "no MCAP file")
        channels: dict[int, Channel] = {}
        schemas: dict[int, Schema] = {}
        at, limit = len(MAGIC), self.size
        while at < limit:
            opcode, end = self._head(at, limit)
            content = os.pread(self._fd, end - at - _RECORD_HEAD.size, at + _RECORD_HEAD.size)
            try:
                match self._record(opcode, content):
                    case Schema() as schema:
                        schemas[schema.id] = schema
                    case Channel() as channel:
                        channels[channel.id] = channel
                    case Metadata(name=name, metadata=values) if name == STATE:
                        if checksum(os.pread(self._fd, at, 0), values["accounts"]) != int(values["crc32"]):
                            raise DamagedSegment(self.path, at, "a beginning with another checksum")
                        return Preamble(values["accounts"], channels, schemas, end)
            except (McapError, struct.error, ValueError, KeyError) as error:
                raise DamagedSegment(self.path, at, f"an unreadable record: {error}") from error
            at = end
        raise DamagedSegment(self.path, at, "no account of the open episodes")

    @staticmethod
    def _record(opcode: int, content: bytes) -> Any:
        stream = ReadDataStream(BytesIO(content))
        match opcode:
            case Opcode.SCHEMA:
                return Schema.read(stream)
            case Opcode.CHANNEL:
                return Channel.read(stream)
            case Opcode.METADATA:
                return Metadata.read(stream)
            case _:
                return None
