"""Records as one MCAP chunk with its message indexes, made with one copy of the bytes. Pure."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from mcap.opcode import Opcode
from mcap.records import ChunkIndex, MessageIndex

from producers.spool.layout import serialized

MESSAGE_HEAD = struct.Struct("<BQHIQQ")  # opcode, length, channel, sequence, log time, publish time
_MESSAGE_FIELDS = MESSAGE_HEAD.size - 9
CHUNK_HEAD = struct.Struct("<BQQQQIIQ")  # opcode, length, start, end, size, crc, compression "", stored size
_CHUNK_FIELDS = CHUNK_HEAD.size - 9
_U32 = 0xFFFFFFFF

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Entry:
    """A record on its way to a channel: its Avro body, and its times in ns."""

    channel_id: int
    sequence: int
    log_time_ns: int
    publish_time_ns: int
    body: Buffer

    @property
    def size(self) -> int:
        """Bytes it takes in a chunk."""
        return MESSAGE_HEAD.size + len(self.body)


@dataclass(frozen=True, slots=True)
class EncodedChunk:
    """A chunk record and the message index records behind it."""

    data: bytes
    chunk_length: int
    start_ns: int
    end_ns: int
    messages: dict[int, int]
    index_offsets: dict[int, int]

    def chunk_index(self, offset: int) -> ChunkIndex:
        """Chunk index record for the chunk lying at an offset of the file."""
        size = self.chunk_length - CHUNK_HEAD.size
        return ChunkIndex(
            message_start_time=self.start_ns,
            message_end_time=self.end_ns,
            chunk_start_offset=offset,
            chunk_length=self.chunk_length,
            message_index_offsets={channel: offset + at for channel, at in self.index_offsets.items()},
            message_index_length=len(self.data) - self.chunk_length,
            compression="",
            compressed_size=size,
            uncompressed_size=size,
        )


def encode_chunk(entries: Sequence[Entry]) -> EncodedChunk:
    """The chunk of some entries, at least one. Not compressed: see decision 006."""
    parts: list[Buffer] = []
    index: dict[int, list[tuple[int, int]]] = {}
    size = crc = 0
    for entry in entries:
        head = MESSAGE_HEAD.pack(
            Opcode.MESSAGE,
            _MESSAGE_FIELDS + len(entry.body),
            entry.channel_id,
            entry.sequence & _U32,
            entry.log_time_ns,
            entry.publish_time_ns,
        )
        crc = zlib.crc32(entry.body, zlib.crc32(head, crc))
        index.setdefault(entry.channel_id, []).append((entry.log_time_ns, size))
        parts += (head, entry.body)
        size += len(head) + len(entry.body)
    start_ns = min(entry.log_time_ns for entry in entries)
    end_ns = max(entry.log_time_ns for entry in entries)
    chunk_length = CHUNK_HEAD.size + size
    head = CHUNK_HEAD.pack(Opcode.CHUNK, _CHUNK_FIELDS + size, start_ns, end_ns, size, crc, 0, size)
    indexes = {channel: serialized(MessageIndex(channel, records)) for channel, records in index.items()}
    offsets: dict[int, int] = {}
    behind = chunk_length
    for channel, data in indexes.items():
        offsets[channel] = behind
        behind += len(data)
    return EncodedChunk(
        data=b"".join((head, *parts, *indexes.values())),
        chunk_length=chunk_length,
        start_ns=start_ns,
        end_ns=end_ns,
        messages={channel: len(records) for channel, records in index.items()},
        index_offsets=offsets,
    )
