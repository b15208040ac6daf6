"""Schema ids from a Confluent-compatible registry, when SALTWELL_REGISTRY_URL is set.

Subjects are named by record (RecordNameStrategy), because one topic carries several record types. Ids are looked up
once and kept: a registry outage does not stop a running process. A registry that asks who we are is told
SALTWELL_REGISTRY_USERNAME and the password in the file SALTWELL_REGISTRY_PASSWORD_FILE.
"""

import base64
import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import fastavro
import fastavro.schema

from saltwell.contracts.codec import PinnedIds, SchemaIds
from saltwell.contracts.schemas import RECORD_TYPES, load_schema, schema_text
from saltwell.errors import RetryError, StopError
from saltwell.secret import read_secret

URL_VARIABLE = "SALTWELL_REGISTRY_URL"
_USER_VARIABLE = "SALTWELL_REGISTRY_USERNAME"
_PASSWORD_VARIABLE = "SALTWELL_REGISTRY_PASSWORD_FILE"  # noqa: S105 - the name of a variable
COMPATIBILITY = "BACKWARD_TRANSITIVE"
_TIMEOUT_S = 30.0
_MOST_UNKNOWN = 10_000
_MAX_ANSWER_BYTES = 4 * 1024 * 1024
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


def schema_ids() -> SchemaIds:
    """Ids of the registry named in the environment, else the pinned ones."""
    url = os.environ.get(URL_VARIABLE)
    return RegistryIds(url) if url else PinnedIds()


class RegistryIds:
    """Ids and writer schemas of one registry. All our schemas are looked up at once, at the start."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._ids = {name: self._look_up(name) for name in RECORD_TYPES}
        self._writers: dict[int, tuple[str, Any]] = {i: (name, load_schema(name)) for name, i in self._ids.items()}
        self._unknown: set[int] = set()

    def id_of(self, name: str) -> int:
        """Id of a record type by its full name."""
        return self._ids[name]

    def writer_schema(self, schema_id: int) -> tuple[str, Any] | None:
        """Record name and parsed schema behind an id, asked once; None when the registry does not know it.

        RetryError when it does not answer: whether the record is one of ours can't be told without it.
        """
        if schema_id not in self._writers and schema_id not in self._unknown:
            self._keep(schema_id, self._fetch(schema_id))
        return self._writers.get(schema_id)

    def _keep(self, schema_id: int, found: tuple[str, Any] | None) -> None:
        if found is not None:
            self._writers[schema_id] = found
            return
        if len(self._unknown) >= _MOST_UNKNOWN:
            self._unknown.clear()
        self._unknown.add(schema_id)

    def _look_up(self, name: str) -> int:
        answer = _call("POST", f"{self._url}/subjects/{name}", {"schema": schema_text(name)})
        if answer is None:
            raise StopError(f"{name} is not in the registry at {self._url}; run `saltwell topics create` first")
        return int(answer["id"])

    def _fetch(self, schema_id: int) -> tuple[str, Any] | None:
        try:
            answer = _call("GET", f"{self._url}/schemas/ids/{schema_id}", None)
        except StopError as error:
            raise RetryError(str(error)) from error
        try:
            schema = json.loads(answer["schema"])
            return f"{schema['namespace']}.{schema['name']}", fastavro.parse_schema(schema)
        except (ValueError, TypeError, LookupError, fastavro.schema.SchemaParseException):
            return None  # not found, or somebody else's: anything may be in a registry


def register_all(url: str) -> None:
    """Register every schema and ask for backward-transitive compatibility; StopError when one is refused."""
    base = url.rstrip("/")
    for name in RECORD_TYPES:
        if _call("POST", f"{base}/subjects/{name}/versions", {"schema": schema_text(name)}) is None:
            raise StopError(f"the registry at {url} does not take {name}")
        _call("PUT", f"{base}/config/{name}", {"compatibility": COMPATIBILITY})


def _call(method: str, url: str, body: dict[str, str] | None) -> Any:
    """The registry's answer; None for 'not found'."""
    if "@" in urlsplit(url).netloc:
        raise StopError(f"{URL_VARIABLE} holds credentials: put them in {_USER_VARIABLE} and {_PASSWORD_VARIABLE}")
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": _CONTENT_TYPE}, method=method)  # noqa: S310
    for name, value in _authorization().items():
        request.add_unredirected_header(name, value)  # never to another host
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the user's own URL
            return json.loads(answer.read(_MAX_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        if error.code == 404:  # noqa: PLR2004
            return None
        text = error.read(300).decode(errors="replace")
        raise StopError(f"the registry at {url} refuses ({error.code}): {text}") from error
    except (OSError, ValueError) as error:
        raise StopError(f"no schema registry answers at {url}: {error}; check {URL_VARIABLE}") from error


def _authorization() -> dict[str, str]:
    user, path = os.environ.get(_USER_VARIABLE), os.environ.get(_PASSWORD_VARIABLE)
    if bool(user) != bool(path):
        raise StopError(f"{_USER_VARIABLE} and {_PASSWORD_VARIABLE} belong together: set both or none")
    if not user or not path:
        return {}
    pair = f"{user}:{read_secret(Path(path), variable=_PASSWORD_VARIABLE)}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
