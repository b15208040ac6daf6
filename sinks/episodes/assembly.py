"""The final MCAP file: what stands before, between and behind the chunks. A pure function of its arguments."""

import hashlib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import BinaryIO

from mcap.opcode import Opcode
from mcap.records import (
    Channel,
    DataEnd,
    Footer,
    Header,
    McapRecord,
    Metadata,
    MetadataIndex,
    Schema,
    Statistics,
    SummaryOffset,
)

from sinks.episodes.chunks import Block, serialized

MAGIC = b"\x89MCAP0\r\n"
LIBRARY = f"saltwell {version('saltwell')}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds. `blocks` in the order of the file; `read` gives the bytes of the n-th."""

    schemas: Sequence[Schema]
    channels: Sequence[Channel]
    blocks: Sequence[Block]
    read: Callable[[int], bytes]
    metadata: Sequence[Metadata]


class HashedFile:
    """Appends to a file and knows offset, CRC-32 and SHA-256 of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self.offset = 0
        self.crc32 = 0

    def write(self, data: bytes) -> int:
        """Append; gives the offset at which the data lies."""
        start = self.offset
        self._file.write(data)
        self._sha256.update(data)
        self.crc32 = zlib.crc32(data, self.crc32)
        self.offset += len(data)
        return start

    @property
    def sha256(self) -> str:
        """Of all that was written, in hex."""
        return self._sha256.hexdigest()


def assemble(contents: Contents, out: HashedFile) -> None:
    """Write the whole file."""
    out.write(MAGIC)
    out.write(serialized([Header("ros2", LIBRARY), *contents.schemas, *contents.channels]))
    chunk_indexes = [block.chunk_index(out.write(contents.read(n))) for n, block in enumerate(contents.blocks)]
    metadata_indexes = list(_write_metadata(contents.metadata, out))
    out.write(serialized([DataEnd(data_section_crc=out.crc32)]))
    _write_summary(
        {
            Opcode.SCHEMA: contents.schemas,
            Opcode.CHANNEL: contents.channels,
            Opcode.STATISTICS: [_statistics(contents)],
            Opcode.CHUNK_INDEX: chunk_indexes,
            Opcode.METADATA_INDEX: metadata_indexes,
        },
        out,
    )
    out.write(MAGIC)


def _write_metadata(metadata: Iterable[Metadata], out: HashedFile) -> Iterator[MetadataIndex]:
    for record in metadata:
        data = serialized([record])
        yield MetadataIndex(offset=out.write(data), length=len(data), name=record.name)


def _write_summary(groups: dict[Opcode, Sequence[McapRecord]], out: HashedFile) -> None:
    start = out.offset
    summary = b""
    offsets = []
    for opcode, records in groups.items():
        data = serialized(records)
        if data:
            offsets.append(SummaryOffset(opcode, start + len(summary), len(data)))
        summary += data
    offset_start = start + len(summary)
    summary += serialized(offsets)
    footer = serialized([Footer(start, offset_start, summary_crc=0)])
    # the CRC covers the footer up to itself
    crc = zlib.crc32(footer[:-4], zlib.crc32(summary))
    out.write(summary + serialized([Footer(start, offset_start, crc)]))


def _statistics(contents: Contents) -> Statistics:
    blocks = contents.blocks
    counts = Counter({channel.id: 0 for channel in contents.channels})
    for block in blocks:
        counts[block.channel_id] += block.messages
    return Statistics(
        attachment_count=0,
        channel_count=len(contents.channels),
        channel_message_counts=dict(counts),
        chunk_count=len(blocks),
        message_count=counts.total(),
        message_start_time=min((block.start_ns for block in blocks), default=0),
        message_end_time=max((block.end_ns for block in blocks), default=0),
        metadata_count=len(contents.metadata),
        schema_count=len(contents.schemas),
    )
