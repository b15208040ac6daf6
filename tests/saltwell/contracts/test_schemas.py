import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest

from saltwell.contracts.schemas import RECORD_TYPES, load_schema, pinned_ids, record_name, schema_text

EVERY_RECORD = pytest.mark.parametrize("name", RECORD_TYPES)


def nested_records(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The record types inside a schema, at any depth."""
    for field in schema["fields"]:
        kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
        for kind in kinds:
            item = kind.get("items") if isinstance(kind, dict) else None
            if isinstance(item, dict):
                yield item
                yield from nested_records(item)


def nested_classes(cls: type) -> Iterator[type]:
    for hint in get_type_hints(cls).values():
        for arg in get_args(hint):
            if isinstance(arg, type) and is_dataclass(arg):
                yield arg
                yield from nested_classes(arg)


def field_names(schema: dict[str, Any]) -> list[str]:
    return [field["name"] for field in schema["fields"]]


@EVERY_RECORD
def test_classes_and_schemas_have_the_same_fields_in_the_same_order(name: str) -> None:
    cls = RECORD_TYPES[name]
    assert [f.name for f in fields(cls)] == field_names(json.loads(schema_text(name)))


@EVERY_RECORD
def test_records_inside_records_agree_too(name: str) -> None:
    schemas = {s["name"]: field_names(s) for s in nested_records(json.loads(schema_text(name)))}
    classes = {cls.__name__: [f.name for f in fields(cls)] for cls in nested_classes(RECORD_TYPES[name])}
    assert schemas == classes


@EVERY_RECORD
def test_every_field_says_what_it_means(name: str) -> None:
    schema = json.loads(schema_text(name))
    for record in (schema, *nested_records(schema)):
        assert record.get("doc"), f"{record['name']} has no doc"
        silent = [field["name"] for field in record["fields"] if not field.get("doc")]
        assert not silent


@EVERY_RECORD
def test_a_schema_has_the_name_of_its_class(name: str) -> None:
    assert load_schema(name)["name"] == name == record_name(RECORD_TYPES[name])


def test_every_schema_has_an_id_of_its_own() -> None:
    ids = pinned_ids()
    assert set(RECORD_TYPES) <= set(ids)
    assert len(set(ids.values())) == len(ids)
    assert all(0 < schema_id < 2**31 for schema_id in ids.values())
