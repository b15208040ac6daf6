"""Records to bytes and back: Confluent framing (a zero byte and a four-byte schema id) over Avro binary."""

import io
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Protocol, get_args, get_type_hints

import fastavro

from saltwell.contracts.bounds import UndecodableRecord
from saltwell.contracts.checks import check
from saltwell.contracts.schemas import RECORD_TYPES, load_schema, pinned_ids, record_name
from saltwell.errors import SaltwellError

_MAGIC = 0
_HEADER_BYTES = 5


class SchemaIds(Protocol):
    """Where schema ids come from: the pinned table, or a registry."""

    def id_of(self, name: str) -> int:
        """Id under which records of the named schema are written."""

    def writer_schema(self, schema_id: int) -> tuple[str, Any] | None:
        """Record name and parsed schema behind an id; None when nobody knows it."""


class PinnedIds:
    """Ids from the table beside the schemas: what is used without a registry."""

    def __init__(self) -> None:
        self._ids = pinned_ids()
        self._names = {schema_id: name for name, schema_id in self._ids.items()}

    def id_of(self, name: str) -> int:
        """Id of a record type by its full name, e.g. saltwell.ImageFrame."""
        return self._ids[name]

    def writer_schema(self, schema_id: int) -> tuple[str, Any] | None:
        """Record name and parsed schema behind an id; None when it is not in the table."""
        name = self._names.get(schema_id)
        return None if name is None else (name, load_schema(name))


class Codec:
    """Encodes and decodes the records of the topic table."""

    def __init__(self, ids: SchemaIds | None = None) -> None:
        self._ids = ids or PinnedIds()
        self._headers: dict[type, bytes] = {}

    def encode(self, record: Any) -> bytes:
        """Framed Avro bytes of a record."""
        cls = type(record)
        out = io.BytesIO()
        out.write(self._header(cls))
        fastavro.schemaless_writer(out, load_schema(record_name(cls)), _PLANS[cls].to_dict(record))
        return out.getvalue()

    def decode(self, data: bytes | None) -> Any:
        """Record behind framed bytes; raises UndecodableRecord and nothing else, whatever the bytes.

        With a registry also RetryError, when an id is new and the registry does not answer.
        """
        if data is None or len(data) < _HEADER_BYTES or data[0] != _MAGIC:
            raise UndecodableRecord(f"no Avro frame: {_preview(data)}")
        schema_id = int.from_bytes(data[1:_HEADER_BYTES], "big")
        writer = self._ids.writer_schema(schema_id)
        if writer is None or writer[0] not in RECORD_TYPES:
            raise UndecodableRecord(f"schema id {schema_id} is not known: {_preview(data)}")
        return self._decode_body(data, *writer)

    def _decode_body(self, data: bytes, name: str, writer_schema: Any) -> Any:
        body = io.BytesIO(data)
        body.seek(_HEADER_BYTES)
        reader_schema = load_schema(name)
        try:
            values = fastavro.schemaless_reader(
                body, writer_schema, None if writer_schema is reader_schema else reader_schema
            )
            record = _PLANS[RECORD_TYPES[name]].from_dict(values)
        except (SaltwellError, MemoryError):  # a machine without memory is no fault of the record
            raise
        except Exception as error:
            # fastavro raises whatever its readers meet: EOFError, IndexError, UnicodeDecodeError ..
            raise UndecodableRecord(f"not a {name}: {type(error).__name__} in {_preview(data)}") from error
        if body.tell() != len(data):
            raise UndecodableRecord(f"not a {name}: {len(data) - body.tell()} bytes too many")
        check(record)
        return record

    def _header(self, cls: type) -> bytes:
        header = self._headers.get(cls)
        if header is None:
            header = bytes([_MAGIC]) + self._ids.id_of(record_name(cls)).to_bytes(4, "big")
            self._headers[cls] = header
        return header


def _preview(data: bytes | None) -> str:
    return "no bytes" if data is None else f"{len(data)} bytes beginning {data[:16].hex()}"


class _Plan:
    """How a record class becomes plain dicts for Avro, and back; made once a class."""

    def __init__(self, cls: type) -> None:
        self._cls = cls
        hints = get_type_hints(cls)
        self._names = tuple(f.name for f in fields(cls))
        self._nested = {name: _Plan(item) for name in self._names if (item := _item_class(hints[name]))}
        self._plain = tuple(name for name in self._names if name not in self._nested)

    def to_dict(self, record: Any) -> dict[str, Any]:
        values = {name: getattr(record, name) for name in self._plain}
        for name, plan in self._nested.items():
            values[name] = [plan.to_dict(item) for item in getattr(record, name)]
        return values

    def from_dict(self, values: Any) -> Any:
        for name, plan in self._nested.items():
            values[name] = tuple(plan.from_dict(item) for item in values[name])
        return self._cls(**values)


def _item_class(hint: Any) -> type | None:
    """The record class inside Sequence[...], when there is one."""
    return next((arg for arg in get_args(hint) if isinstance(arg, type) and is_dataclass(arg)), None)


_PLANS: Mapping[type, _Plan] = {cls: _Plan(cls) for cls in RECORD_TYPES.values()}
