"""How a spool lies on disk: numbered MCAP files with a channel for each topic and type of record.

A message is the Avro body of a record, under the schema that stands in the file: without the five bytes that say
which registry knows the schema, because a disk can be carried to another one.
"""

import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mcap.data_stream import RecordBuilder
from mcap.records import Channel, Header, McapRecord, Metadata, Schema

from saltwell.contracts.schemas import record_name, schema_text
from saltwell.contracts.topics import FRAME_TOPICS, TOPICS

MAGIC = b"\x89MCAP0\r\n"
STATE = "saltwell.spool.open_episodes"
"""Metadata record at the begin of a segment: the account of the episodes that are open there."""

LOSSES = "saltwell.spool.losses"
"""Topic of notes to the account of frames that were numbered and never became a record; it is not sent."""

FRAMING_BYTES = 5
"""What the wire format has before the Avro body: a zero byte and the schema id."""

LOCK = "spool.lock"
BALLAST = "spool.ballast"
CURSOR = "spool.sent.json"
_SEGMENT = "spool-{:08d}.mcap"


@dataclass(frozen=True, slots=True)
class Lane:
    """A channel of ours: what is sent to `topic` as records of one type."""

    channel: Channel
    schema: Schema


@cache
def lanes() -> dict[tuple[str, str], Lane]:
    """The channels of a new segment, by topic and full record name."""
    pairs = [
        (topic.name, record_name(cls))
        for topic in TOPICS
        if topic.name in {*FRAME_TOPICS, "timeline"}
        for cls in topic.records
    ]
    ids = {name: number for number, name in enumerate(sorted({name for _, name in pairs}), start=1)}
    made = {
        (topic, name): Lane(
            Channel(id=number, topic=topic, message_encoding="avro", metadata={}, schema_id=ids[name]),
            Schema(id=ids[name], name=name, encoding="avro", data=schema_text(name).encode()),
        )
        for number, (topic, name) in enumerate(pairs, start=1)
    }
    notes = Channel(id=len(pairs) + 1, topic=LOSSES, message_encoding="json", metadata={}, schema_id=0)
    made[LOSSES, ""] = Lane(notes, Schema(id=0, name="", encoding="", data=b""))
    return made


@cache
def schemas_and_channels() -> tuple[McapRecord, ...]:
    """Every schema and channel of a new segment."""
    schemas = {lane.schema.id: lane.schema for lane in lanes().values() if lane.schema.id}
    return (*schemas.values(), *(lane.channel for lane in lanes().values()))


def preamble(state: str) -> bytes:
    """What a segment begins with, given the account as text. Its checksum covers all that stands before it as well.

    A schema with another bit would not be missed: it would make other records of those that are translated by it.
    """
    begin = MAGIC + serialized(Header(profile="saltwell.spool", library="saltwell"), *schemas_and_channels())
    return begin + serialized(Metadata(STATE, {"accounts": state, "crc32": f"{checksum(begin, state):010}"}))


def checksum(begin: bytes, state: str) -> int:
    """CRC-32 of a segment's bytes before the account, and of the account."""
    return zlib.crc32(state.encode(), zlib.crc32(begin))


def serialized(*records: McapRecord) -> bytes:
    """MCAP records as they stand in a file."""
    out = RecordBuilder()
    for record in records:
        record.write(out)
    data: bytes = out.end()  # type: ignore[no-untyped-call] # mcap gives it no types
    return data


def segment_path(folder: Path, number: int) -> Path:
    """Where a segment lies."""
    return folder / _SEGMENT.format(number)


def segment_number(path: Path) -> int:
    """Number of a segment by its name."""
    return int(path.stem.removeprefix("spool-"))


def segments(folder: Path) -> list[Path]:
    """The segments of a spool, oldest first."""
    return sorted(
        (p for p in folder.glob("spool-*.mcap") if p.stem.removeprefix("spool-").isdigit()), key=segment_number
    )


def is_spool(path: Path) -> bool:
    """Whether a path is the folder of a spool, even an empty one."""
    return path.is_dir() and ((path / LOCK).exists() or bool(segments(path)))
