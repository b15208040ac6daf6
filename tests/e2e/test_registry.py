"""The same job with a Confluent-compatible registry: ids come from it, not from the pinned table."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from bench.faults.servers import registry_server, registry_url
from saltwell.contracts.registry import register_all
from saltwell.contracts.schemas import schema_text

CLEAN = "station_composite_6s.mcap"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apicurio Registry, as its makers ship it; gives the URL of its Confluent-compatible API."""
    server = registry_server(tmp_path_factory.mktemp("registry"))
    try:
        yield registry_url(server.port)
    finally:
        server.stop()


@pytest.mark.slow
def test_the_demo_gives_the_same_with_ids_from_a_registry(registry, recordings, run, tmp_path):
    arguments = ("demo", "--recording", str(recordings / CLEAN), "--store", str(tmp_path / "store"), "--json")
    done = run(*arguments, SALTWELL_REGISTRY_URL=registry)
    assert done.returncode == 0, done.stderr

    [episode] = json.loads(done.stdout)["episodes"]
    assert episode["decision"] == "accept"
    assert all(s["sent"] == s["written"] for s in episode["streams"].values())
    with urllib.request.urlopen(f"{registry}/subjects", timeout=150) as answer:
        assert "saltwell.ImageFrame" in json.loads(answer.read())


@pytest.mark.slow
def test_the_registry_refuses_a_schema_that_older_records_can_not_be_read_with(registry):
    register_all(registry)
    schema = json.loads(schema_text("saltwell.ImageFrame"))

    schema["fields"].append({"name": "exposure_ns", "type": "long", "default": 0})
    assert _answer_to(registry, schema) == 200
    schema["fields"][-1] = {"name": "gain", "type": "double"}  # no default: what is in the log has no gain
    assert _answer_to(registry, schema) == 409


def _answer_to(registry: str, schema: dict[str, Any]) -> int:
    body = json.dumps({"schema": json.dumps(schema)}).encode()
    request = urllib.request.Request(
        f"{registry}/subjects/saltwell.ImageFrame/versions", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=150) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
