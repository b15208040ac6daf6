"""One episode as an MCAP file, made while its messages come in, in any order of streams.

mcap's own writer puts messages of all streams into one chunk in the order of their coming, so that the file
depends on how the log's partitions interleave. Here a chunk holds one stream, and its bytes are a pure function
of that stream's messages: replaying the log after a crash makes the same file, byte for byte.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard
from mcap.records import Channel, Message, Metadata, Schema

from saltwell.errors import StopError
from sinks.episodes.assembly import Contents, HashedFile, assemble
from sinks.episodes.chunks import ZSTD_LEVEL, Block, OpenChunk


@dataclass(frozen=True, slots=True)
class ArchiveSummary:
    """A finished file: its size, its SHA-256 in hex, and how many messages each stream has in it."""

    bytes: int
    sha256: str
    messages: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Declared:
    schema: tuple[str, str, bytes]  # name, encoding, text
    message_encoding: str
    metadata: Mapping[str, str]
    compress: bool
    even_empty: bool


@dataclass(slots=True)
class _Stream:
    name: str
    channel_id: int
    chunk: OpenChunk
    messages: int = 0


class EpisodeArchive:
    """Collects the messages of one episode on local disk, then writes the file.

    In memory are the open chunk of each stream (at most 1 MiB and one message) and about 200 bytes a chunk. The
    scratch file has no name. Raises StopError when the disk refuses.
    """

    def __init__(self, scratch_folder: Path) -> None:
        self._declared: dict[str, _Declared] = {}
        self._streams: dict[str, _Stream] = {}
        self._blocks: list[tuple[Block, int]] = []
        self._folder = scratch_folder
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self._scratch = unnamed_file(scratch_folder)  # closed by finish and discard

    def declare(
        self,
        stream: str,
        *,
        schema_name: str,
        schema_encoding: str,
        schema: str,
        message_encoding: str,
        metadata: Mapping[str, str],
        compress: bool,
        even_empty: bool = True,
    ) -> None:
        """Announce a stream, before the first message of any: the order of the calls leaves no trace.

        `compress` False is for messages that are compressed already (JPEG). A stream stands in the file when no
        message of it comes, unless `even_empty` is False.
        """
        if self._streams or stream in self._declared:
            raise StopError(f"{stream} is declared too late or twice: declare each stream once, before any message")
        self._declared[stream] = _Declared(
            (schema_name, schema_encoding, schema.encode()), message_encoding, metadata, compress, even_empty
        )

    def add(
        self, stream: str, data: bytes | memoryview, *, log_time_ns: int, publish_time_ns: int, sequence: int
    ) -> None:
        """Append an encoded message of a declared stream.

        `log_time_ns` is the time of receipt, edge clock; `publish_time_ns` the time of capture, sensor clock;
        `sequence` the frame's number in its stream. SkipRecordError when MCAP can't hold one of the numbers.
        """
        if not self._streams:
            self._streams = self._numbered()
        entry = self._streams.get(stream)
        if entry is None:
            raise StopError(f"a message of {stream}, which is not declared: declare each stream before any message")
        # mcap writes any buffer, and says bytes
        message = Message(entry.channel_id, log_time_ns, data, publish_time_ns, sequence)  # type: ignore[arg-type]
        entry.chunk.add(message)
        entry.messages += 1
        if entry.chunk.full:
            self._close_chunk(entry)

    def finish(self, file: BinaryIO, metadata: Mapping[str, Mapping[str, str]]) -> ArchiveSummary:
        """Write everything into an empty file, with metadata records by name; the archive is used up."""
        numbered = self._streams or self._numbered()
        streams = {n: entry for n, entry in numbered.items() if entry.messages or self._declared[n].even_empty}
        for entry in streams.values():
            if not entry.chunk.empty:
                self._close_chunk(entry)
        order = sorted(self._blocks, key=lambda kept: (kept[0].start_ns, kept[0].channel_id, kept[1]))
        with _disk(self._folder):
            out = HashedFile(file)
            assemble(
                Contents(
                    *self._schemas_and_channels(streams),
                    blocks=[block for block, _ in order],
                    read=lambda n: self._read(*order[n]),
                    metadata=[Metadata(name, _sorted(metadata[name])) for name in sorted(metadata)],
                ),
                out,
            )
            file.flush()
        self.discard()
        counts = {name: entry.messages for name, entry in streams.items()}
        return ArchiveSummary(bytes=out.offset, sha256=out.sha256, messages=counts)

    def discard(self) -> None:
        """Give the scratch space back; may be called at any time."""
        let_go(self._scratch)

    def _numbered(self) -> dict[str, _Stream]:
        """Streams with channel ids in the order of their names."""
        return {
            name: _Stream(
                name,
                number,
                OpenChunk(number, compressor=self._compressor if self._declared[name].compress else None),
            )
            for number, name in enumerate(sorted(self._declared), start=1)
        }

    def _schemas_and_channels(self, streams: Mapping[str, _Stream]) -> tuple[list[Schema], list[Channel]]:
        texts = sorted({self._declared[name].schema for name in streams})
        ids = {text: number for number, text in enumerate(texts, start=1)}
        schemas = [Schema(id=ids[text], name=text[0], encoding=text[1], data=text[2]) for text in texts]
        channels = [
            Channel(
                id=entry.channel_id,
                topic=name,
                message_encoding=self._declared[name].message_encoding,
                metadata=_sorted(self._declared[name].metadata),
                schema_id=ids[self._declared[name].schema],
            )
            for name, entry in streams.items()
        ]
        return schemas, channels

    def _close_chunk(self, entry: _Stream) -> None:
        block, data = entry.chunk.close()
        with _disk(self._folder):
            offset = self._scratch.tell()
            self._scratch.write(data)
        self._blocks.append((block, offset))

    def _read(self, block: Block, offset: int) -> bytes:
        self._scratch.seek(offset)
        return self._scratch.read(block.length)


def unnamed_file(folder: Path) -> BinaryIO:
    """An empty file without a name: whatever happens to this process, it leaves nothing on the disk."""
    with _disk(folder):
        return tempfile.TemporaryFile(dir=folder)


def let_go(file: BinaryIO) -> None:
    """Close a scratch file; on a full disk closing fails for want of what nobody wants any more."""
    with suppress(OSError):
        file.close()


def _sorted(values: Mapping[str, str]) -> dict[str, str]:
    return {key: values[key] for key in sorted(values)}


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StopError(f"can't write the episode at {path}: {error.strerror}; free or change the disk") from error
