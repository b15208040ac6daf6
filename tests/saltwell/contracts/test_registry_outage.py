"""A registry that goes away stops no running process, and what is in it stops none either."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.fuzz.records import every_record
from saltwell.contracts.codec import Codec, UndecodableRecord
from saltwell.contracts.registry import RegistryIds
from saltwell.contracts.schemas import schema_text
from saltwell.errors import RetryError, StopError

FIRST_ID = 1_000
GOOD = every_record()["EpisodeStopped"]


class Registry(ThreadingHTTPServer):
    """Gives our schemas ids as they are asked for; `others` are what else it holds."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.others: dict[int, str] = {}
        self.asked: list[str] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), Answers)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    server: Registry

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.rpartition("/")[2]
        self.answer({"id": self.server.ids.setdefault(name, FIRST_ID + len(self.server.ids))})

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        schema = self.server.others.get(int(self.path.rpartition("/")[2]))
        self.answer(None if schema is None else {"schema": schema})

    def answer(self, body: Any) -> None:
        text = json.dumps(body or {}).encode()
        self.send_response(404 if body is None else self.server.status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def under(schema_id: int) -> bytes:
    """A good record that says another id."""
    return b"\0" + schema_id.to_bytes(4, "big") + Codec().encode(GOOD)[5:]


def test_our_own_records_are_read_without_asking(registry: Registry) -> None:
    codec = Codec(RegistryIds(registry.url))
    registry.shutdown()

    assert codec.decode(codec.encode(GOOD)) == GOOD
    assert registry.asked == []


def test_an_id_that_is_not_known_is_asked_once_and_its_record_is_dead(registry: Registry) -> None:
    codec = Codec(RegistryIds(registry.url))

    for _ in range(3):
        with pytest.raises(UndecodableRecord, match="schema id 7 is not known"):
            codec.decode(under(7))
    assert len(registry.asked) == 1


def test_an_older_schema_of_ours_is_asked_for_and_read(registry: Registry) -> None:
    codec = Codec(RegistryIds(registry.url))
    registry.others[7] = schema_text("saltwell.EpisodeStopped")

    assert codec.decode(under(7)) == GOOD


@pytest.mark.parametrize(
    "schema", ['"string"', "[]", "no json", '{"name": "x"}', '{"type": "nonsense", "name": "a.B"}']
)
def test_schemas_of_others_are_not_ours(registry: Registry, schema: str) -> None:
    codec = Codec(RegistryIds(registry.url))
    registry.others[7] = schema

    with pytest.raises(UndecodableRecord):
        codec.decode(under(7))


def test_while_the_registry_is_away_a_record_of_a_new_id_waits_and_is_not_dead(registry: Registry) -> None:
    codec = Codec(RegistryIds(registry.url))
    registry.others[7] = schema_text("saltwell.EpisodeStopped")
    registry.status = 503

    with pytest.raises(RetryError, match="refuses"):
        codec.decode(under(7))
    registry.status = 200
    assert codec.decode(under(7)) == GOOD


def test_a_process_that_begins_without_its_registry_says_so(registry: Registry) -> None:
    registry.status = 503

    with pytest.raises(StopError, match="the registry at"):
        RegistryIds(registry.url)
