"""The .avsc files: loading, names and pinned ids."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from saltwell.contracts.topics import TOPICS

_NAMESPACE = "saltwell"
_FOLDER = Path(__file__).parent / "avro"

PINS_FILE = _FOLDER / "ids.json"


def record_name(cls: type) -> str:
    """Full Avro name of a record class."""
    return f"{_NAMESPACE}.{cls.__name__}"


RECORD_TYPES: dict[str, type] = {record_name(cls): cls for topic in TOPICS for cls in topic.records}
"""Every record type of the topic table by its full name."""


def schema_text(name: str) -> str:
    """The .avsc text of a record by its full name."""
    return (_FOLDER / f"{name.removeprefix(_NAMESPACE + '.')}.avsc").read_text(encoding="utf-8")


@cache
def load_schema(name: str) -> Any:
    """Parsed schema of a record by its full name."""
    return fastavro.parse_schema(json.loads(schema_text(name)))


def fingerprint_of(name: str) -> str:
    """CRC-64-AVRO of a schema's parsing canonical form, in hex: the same for all that read the same bytes alike."""
    return str(fingerprint(to_parsing_canonical_form(load_schema(name)), "CRC-64-AVRO"))


def pins() -> dict[str, Any]:
    """The table of ids as it is written: `schemas`, each with `id` and `fingerprint`, and `next_id`, never used yet."""
    table: dict[str, Any] = json.loads(PINS_FILE.read_text(encoding="utf-8"))
    return table


@cache
def pinned_ids() -> dict[str, int]:
    """Schema ids used without a registry, by full name. An id is never given to another schema (`pins.py`)."""
    return {name: pin["id"] for name, pin in pins()["schemas"].items()}
