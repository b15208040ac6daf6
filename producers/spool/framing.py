"""Stored messages as records of the wire: under the ids of the registry that is there when they are sent."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fastavro

from producers.spool.chunk import Buffer
from producers.spool.layout import FRAMING_BYTES, LOSSES
from producers.spool.scan import SegmentReader, StoredMessage
from saltwell.contracts.codec import SchemaIds
from saltwell.contracts.schemas import RECORD_TYPES, load_schema, schema_text
from saltwell.contracts.topics import BY_NAME
from saltwell.errors import StopError

_IDENTITY = fastavro.parse_schema(
    {
        "type": "record",
        "name": "OfEpisode",
        "fields": [{"name": name, "type": "string"} for name in ("site", "robot", "episode")],
    }
)
_IDENTITY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Framed:
    """A record as it goes to the broker."""

    topic: str
    type: str
    robot: str
    value: bytes


@dataclass(frozen=True, slots=True)
class _Lane:
    topic: str
    type: str
    header: bytes
    translate: Callable[[Buffer], Buffer] | None


class Framer:
    """Frames the messages of one segment."""

    def __init__(self, reader: SegmentReader, ids: SchemaIds) -> None:
        """StopError when the segment has records that this version of Saltwell does not know."""
        self._lanes: dict[int, _Lane] = {}
        for number, channel in reader.preamble.channels.items():
            if channel.topic == LOSSES:
                continue
            schema = reader.preamble.schemas.get(channel.schema_id)
            if schema is None or schema.name not in RECORD_TYPES or channel.topic not in BY_NAME:
                name = schema.name if schema else "no schema"
                raise StopError(
                    f"{reader.path}: has {name} in {channel.topic}, which this version of Saltwell does not know; "
                    "send it with the version that wrote it"
                )
            self._lanes[number] = _lane(channel.topic, schema.name, schema.data.decode(), ids)

    def frame(self, message: StoredMessage) -> Framed | None:
        """The record of a message; None for a note, which is not sent."""
        lane = self._lanes.get(message.channel_id)
        if lane is None:
            return None
        body = message.body if lane.translate is None else lane.translate(message.body)
        return Framed(lane.topic, lane.type, _robot(body), b"".join((lane.header, body)))


def _lane(topic: str, name: str, text: str, ids: SchemaIds) -> _Lane:
    header = bytes([0]) + ids.id_of(name).to_bytes(FRAMING_BYTES - 1, "big")
    return _Lane(topic, name, header, None if text == schema_text(name) else _translation(name, text))


def _translation(name: str, text: str) -> Callable[[Buffer], Buffer]:
    """From the schema that stands in the file to today's."""
    then, now = fastavro.parse_schema(json.loads(text)), load_schema(name)

    def translate(body: Buffer) -> Buffer:
        out = io.BytesIO()
        record: Any = fastavro.schemaless_reader(io.BytesIO(body), then, now)
        fastavro.schemaless_writer(out, now, record)
        return out.getvalue()

    return translate


def _robot(body: Buffer) -> str:
    """The robot of a record, without reading the rest: every record begins with site, robot, episode."""
    begin: Any = fastavro.schemaless_reader(io.BytesIO(body[:_IDENTITY_BYTES]), _IDENTITY, None)
    return str(begin["robot"])
