"""The topic table as an AsyncAPI 3.0 document.

`python -m saltwell.contracts.asyncapi > docs/asyncapi.yaml` writes it again after the table or a schema changed.
"""

import json
import sys
from typing import Any

from saltwell.contracts.schemas import RECORD_TYPES, pinned_ids, schema_text
from saltwell.contracts.topics import DEFAULT_PARTITIONS, MAX_RECORD_BYTES, TOPICS, Topic
from saltwell.errors import StopError

_AVRO = "application/vnd.apache.avro+json;version=1.9.0"
_KAFKA_BINDING = "0.5.0"
_VERSION = "1.0.0"
_RETENTION = {
    "days": "Kept for days: it feeds the pipeline and is no archive.",
    "weeks": "Kept for weeks.",
    "compact": "Compacted: the latest record of each key stays.",
}
_ABOUT = f"""What flows between producers, processors and sinks.
Values are Avro binary behind a zero byte and a four-byte big-endian schema id; ids without a registry are x-schema-id.
A value has {MAX_RECORD_BYTES} bytes at most. Every topic has the same number of partitions, and a robot's records go
to partition (murmur2(robot) & 0x7fffffff) % partitions in all of them.
"""


def document() -> dict[str, Any]:
    """The AsyncAPI document, as plain dicts, lists and strings that share nothing."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Saltwell topics", "version": _VERSION, "description": _ABOUT},
        "defaultContentType": "application/vnd.apache.avro+binary",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(_operation(topic) for topic in TOPICS),
        "components": {"messages": {cls.__name__: _message(name) for name, cls in RECORD_TYPES.items()}},
    }


def yaml_text() -> str:
    """The document as YAML, the same text every time; StopError without PyYAML."""
    try:
        import yaml  # noqa: PLC0415 - only who writes the file needs it
    except ModuleNotFoundError as error:
        raise StopError("writing YAML needs PyYAML: pip install 'saltwell[dev]'") from error
    return str(yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=120))


def _channel(topic: Topic) -> dict[str, Any]:
    owner = {"x-owner": topic.owner} if topic.owner else {}
    return {
        "address": topic.name,
        "description": f"{topic.doc} {_RETENTION[topic.retention]} {_owner_note(topic)}".strip(),
        "messages": {cls.__name__: {"$ref": f"#/components/messages/{cls.__name__}"} for cls in topic.records},
        "bindings": {
            "kafka": {"topic": topic.name, "partitions": DEFAULT_PARTITIONS, "bindingVersion": _KAFKA_BINDING}
        },
        "x-retention": topic.retention,
        **owner,
    }


def _owner_note(topic: Topic) -> str:
    return f"{topic.owner} sets aside what can't be used of it." if topic.owner else ""


def _operation(topic: Topic) -> tuple[str, dict[str, Any]]:
    """What the topic's owner receives; a topic without an owner is read by others than Saltwell."""
    action, name = ("receive", f"{topic.owner}.{topic.name}") if topic.owner else ("send", topic.name)
    operation = {
        "action": action,
        "summary": topic.doc,
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{cls.__name__}"} for cls in topic.records],
    }
    return f"{action}.{name}", operation


def _message(name: str) -> dict[str, Any]:
    schema = json.loads(schema_text(name))
    key = {
        "type": "string",
        "description": "The robot's id, which decides the partition; in a compacted topic the episode's.",
    }
    return {
        "name": name,
        "summary": schema["doc"],
        "x-schema-id": pinned_ids()[name],
        "bindings": {"kafka": {"key": key, "bindingVersion": _KAFKA_BINDING}},
        "payload": {"schemaFormat": _AVRO, "schema": schema},
    }


if __name__ == "__main__":
    try:
        sys.stdout.write(yaml_text())
    except StopError as reason:
        sys.exit(f"saltwell: {reason}")
