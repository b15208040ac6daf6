"""The same job with a Confluent-compatible registry: ids come from it, not from the pinned table."""

import json
import os
import socket
import subprocess
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saltwell.contracts.registry import register_all
from saltwell.contracts.schemas import schema_text
from saltwell.local.jars import cache_folder, java

CLEAN = "station_composite_6s.mcap"
APICURIO = "3.3.3"
START_S = 90


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apicurio Registry, as its makers ship it; gives the URL of its Confluent-compatible API."""
    home = _apicurio()
    log = tmp_path_factory.mktemp("registry") / "log"
    port = _free_port()
    url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                str(java()),
                f"-Dquarkus.http.port={port}",
                "-Dquarkus.http.host=127.0.0.1",
                f"-Dquarkus.management.port={_free_port()}",  # 9000 by default: two test runs would meet there
                "-jar",
                _runner(home),
            ],
            cwd=home,
            stdout=out,
            stderr=out,
        )
    try:
        _await(url, server, log)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def _apicurio() -> Path:
    from jgo.maven import MavenContext

    home = cache_folder() / f"apicurio-{APICURIO}"
    if not home.exists():
        project = MavenContext().project("io.apicurio", "apicurio-registry-app").at_version(APICURIO)
        archive = project.artifact(classifier="all", packaging="tar.gz").resolve()
        draft = home.with_suffix(f".{os.getpid()}")
        with tarfile.open(archive) as packed:
            packed.extractall(draft, filter="data")
        draft.rename(home)
    return home


def _runner(home: Path) -> str:
    return str(next(iter([*home.glob("*runner*.jar"), *home.glob("quarkus-run.jar")])))


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _await(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/subjects", timeout=2):
                return
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    pytest.fail(f"the registry does not answer: {log.read_text()[-2000:]}")


@pytest.mark.slow
def test_the_demo_gives_the_same_with_ids_from_a_registry(registry, recordings, run, tmp_path):
    arguments = ("demo", "--recording", str(recordings / CLEAN), "--store", str(tmp_path / "store"), "--json")
    done = run(*arguments, SALTWELL_REGISTRY_URL=registry)
    assert done.returncode == 0, done.stderr

    [episode] = json.loads(done.stdout)["episodes"]
    assert episode["decision"] == "accept"
    assert all(s["sent"] == s["written"] for s in episode["streams"].values())
    with urllib.request.urlopen(f"{registry}/subjects", timeout=10) as answer:
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
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
