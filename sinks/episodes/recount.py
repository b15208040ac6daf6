"""What is really in an MCAP file: every record read, every checksum computed, every message decoded and counted."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import zstandard
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

from saltwell.errors import SaltwellError, SkipRecordError
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped
from saltwell.messages.text import String
from sinks.episodes.annotations import ALIGNMENT, Step
from sinks.episodes.json_text import parse

MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Largest record, and largest chunk unpacked, that is taken into memory."""

_DRAIN_BYTES = 1024 * 1024
_UNREADABLE_TOLD = 20

_DECODERS: dict[str, Callable[[bytes], object]] = {
    "sensor_msgs/msg/CompressedImage": CompressedImage.decode,
    "sensor_msgs/msg/Image": Image.decode,
    "sensor_msgs/msg/PointCloud2": PointCloud2.decode,
    "sensor_msgs/msg/JointState": JointState.decode,
    "sensor_msgs/msg/Imu": Imu.decode,
    "geometry_msgs/msg/PoseStamped": PoseStamped.decode,
    "std_msgs/msg/String": String.decode,
}


@dataclass(slots=True)
class Recount:
    """What was found. `broken` tells where reading had to end; empty = the file was read to its end."""

    bytes: int = 0
    sha256: str = ""
    broken: str = ""
    messages: Counter[str] = field(default_factory=Counter)
    seqs: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    repeated: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    matched: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


def recount(file: BinaryIO, *, opaque: Collection[str], advance: Callable[[int], None]) -> Recount:
    """Read a file once, from begin to end, holding one chunk at a time.

    Messages of the streams in `opaque` are not decoded: they were carried as they came. `advance` is told how
    many bytes were read since the last call. Raises what the store raises, nothing else.
    """
    source = _Hashed(file, advance)
    found = Recount()
    try:
        for schema, channel, message in _messages(source):
            _take(found, schema, channel, message, opaque)
    except SaltwellError:
        raise
    except Exception as error:  # noqa: BLE001 - mcap's reader raises whatever its parsers meet
        found.broken = f"can't be read beyond byte {source.bytes}: {type(error).__name__} {error}".rstrip()
    while source.read(_DRAIN_BYTES):
        pass
    found.bytes, found.sha256 = source.bytes, source.sha256
    return found


def _messages(source: "_Hashed") -> Iterator[tuple[Schema, Channel, Message]]:
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    reader = StreamReader(source, emit_chunks=True, validate_crcs=True, record_size_limit=MAX_RECORD_BYTES)  # type: ignore[arg-type] # reads only
    for record in reader.records:
        if isinstance(record, Schema):
            schemas[record.id] = record
        elif isinstance(record, Channel):
            channels[record.id] = record
        elif isinstance(record, Chunk):
            for inner in _unpacked(record):
                channel = channels[inner.channel_id]
                yield schemas[channel.schema_id], channel, inner


def _unpacked(chunk: Chunk) -> Iterator[Message]:
    size = zstandard.frame_content_size(chunk.data) if chunk.compression == "zstd" else len(chunk.data)
    if max(size, chunk.uncompressed_size) > MAX_RECORD_BYTES:
        raise ValueError(f"a chunk unpacks to {max(size, chunk.uncompressed_size)} bytes")
    for record in breakup_chunk(chunk, validate_crc=True):
        if isinstance(record, Message):
            yield record


def _take(found: Recount, schema: Schema, channel: Channel, message: Message, opaque: Collection[str]) -> None:
    stream = channel.topic
    found.messages[stream] += 1
    if message.sequence in found.seqs[stream]:
        found.repeated[stream] += 1
    found.seqs[stream].add(message.sequence)
    try:
        if stream == ALIGNMENT:
            _take_step(found, Step.parse(message.data))
        elif channel.message_encoding == "json":
            parse(message.data, "message")
        elif stream not in opaque and schema.name in _DECODERS:
            _DECODERS[schema.name](message.data)
    except SkipRecordError as error:
        if len(found.unreadable) < _UNREADABLE_TOLD:
            found.unreadable.append(f"{stream} message {message.sequence}: {error}")


def _take_step(found: Recount, step: Step) -> None:
    found.steps.append(step.step)
    for match in step.streams:
        if match.kind != "missing":
            found.matched[match.stream].add(match.seq)
        if match.kind == "interpolated":
            found.matched[match.stream].add(match.seq_next)


class _Hashed:
    """Reads a stream and knows size and SHA-256 of what was read."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], None]) -> None:
        self._file = file
        self._advance = advance
        self._hash = hashlib.sha256()
        self.bytes = 0

    def read(self, size: int) -> bytes:
        """Up to so many bytes; none at the end."""
        data = self._file.read(size)
        self._hash.update(data)
        self.bytes += len(data)
        self._advance(len(data))
        return data

    @property
    def sha256(self) -> str:
        """Of all that was read, in hex."""
        return self._hash.hexdigest()
