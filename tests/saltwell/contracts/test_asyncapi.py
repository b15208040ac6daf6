from pathlib import Path

import fastavro
import pytest
import yaml

from saltwell.contracts.asyncapi import document, yaml_text
from saltwell.contracts.schemas import RECORD_TYPES
from saltwell.contracts.topics import TOPICS

WRITTEN = Path(__file__).resolve().parents[3] / "docs" / "asyncapi.yaml"


def resolve(reference):
    value = document()
    for step in reference.removeprefix("#/").split("/"):
        value = value[step]
    return value


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_the_written_file_is_what_the_table_gives():
    hint = "run: python -m saltwell.contracts.asyncapi > docs/asyncapi.yaml"
    assert WRITTEN.read_text(encoding="utf-8") == yaml_text(), hint


def test_the_text_says_the_same_as_the_document_and_hides_nothing_behind_aliases():
    assert yaml.safe_load(yaml_text()) == document()
    assert not any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(yaml_text()))


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_each_topic_is_a_channel_with_its_records_its_owner_and_its_retention(topic):
    channel = document()["channels"][topic.name]
    assert channel["address"] == topic.name
    assert set(channel["messages"]) == {cls.__name__ for cls in topic.records}
    assert channel.get("x-owner", "") == topic.owner
    assert channel["x-retention"] == topic.retention


def test_each_record_is_a_message_with_a_schema_that_avro_takes():
    messages = document()["components"]["messages"]
    assert {message["name"] for message in messages.values()} == set(RECORD_TYPES)
    for message in messages.values():
        parsed = fastavro.parse_schema(message["payload"]["schema"])
        assert parsed["name"] == message["name"]


def test_every_reference_leads_somewhere():
    found = set(references(document()))
    assert found
    for reference in found:
        assert resolve(reference)
