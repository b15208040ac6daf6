"""The .avsc files: loading, names and pinned ids."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import fastavro

from saltwell.contracts.topics import TOPICS

_NAMESPACE = "saltwell"
_FOLDER = files("saltwell.contracts") / "avro"


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


@cache
def pinned_ids() -> dict[str, int]:
    """Schema ids used without a registry, by full name. An id is never given to another schema."""
    ids: dict[str, int] = json.loads((_FOLDER / "ids.json").read_text(encoding="utf-8"))
    return ids
