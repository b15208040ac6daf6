"""Fixtures that every test may use."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from saltwell.cli.topics import create_topics
from saltwell.local.broker import EmbeddedBroker

# How long an example takes on a shared machine proves nothing.
settings.register_profile("saltwell", deadline=None)
settings.load_profile("saltwell")

REPOSITORY = Path(__file__).resolve().parent.parent


def _shared_data() -> Path:
    return Path(os.environ.get("SALTWELL_TEST_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of real recordings, used where it lies."""
    folder = _shared_data() / "recordings"
    if not folder.is_dir():
        pytest.skip(f"no recordings at {folder}; set SALTWELL_TEST_DATA to the folder that holds recordings/")
    return folder


@pytest.fixture(scope="session")
def raw_data() -> Path:
    """The folder of original files the recordings were made from."""
    folder = _shared_data() / "raw"
    if not folder.is_dir():
        pytest.skip(f"no raw data at {folder}; set SALTWELL_TEST_DATA to the folder that holds raw/")
    return folder


_S3_SERVER = "github.com/versity/versitygw/cmd/versitygw"
_S3_VERSION = "v1.8.0"
_S3_KEYS = {"AWS_ACCESS_KEY_ID": "saltwell", "AWS_SECRET_ACCESS_KEY": "only-for-tests"}
_BUILD_S = 900  # the first time: 90 s on two cores, most of it compiling


@dataclass(frozen=True)
class S3:
    """A running S3 server: the environment its clients need, and a bucket. Use a prefix of your own."""

    env: dict[str, str]
    url: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs a program in Go may have to build it."""
    for item in items:
        if "go_tool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_BUILD_S))


@pytest.fixture(scope="session")
def go_tool() -> Callable[..., Path]:
    """Gives a program by its Go package, version and flags of the build, built once into ~/.cache/saltwell."""
    return _go_tool


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory, go_tool: Callable[..., Path]) -> Iterator[S3]:
    """versitygw over a temporary folder."""
    server = go_tool(_S3_SERVER, _S3_VERSION)
    folder = tmp_path_factory.mktemp("s3")
    (folder / "root" / "episodes").mkdir(parents=True)
    (folder / "sidecar").mkdir()
    port = _free_port()
    keys = {
        "ROOT_ACCESS_KEY": _S3_KEYS["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": _S3_KEYS["AWS_SECRET_ACCESS_KEY"],
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                server,
                "--port",
                f"127.0.0.1:{port}",
                "--quiet",
                "posix",
                "--sidecar",
                folder / "sidecar",
                folder / "root",
            ],
            env=os.environ | keys,
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for_port(port, process, folder / "log")
        env = _S3_KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1"}
        yield S3(env, "s3://episodes")
    finally:
        process.terminate()
        process.wait(10)


def _go_tool(package: str, version: str, *flags: str) -> Path:
    name = package.rsplit("/", 1)[1]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "saltwell"
    tool = cache / f"{name}-{version}"
    if tool.exists():
        return tool
    if shutil.which("go") is None:
        pytest.skip(f"no Go to build {name} with; install Go, or put {name} {version} at {tool}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        command = ["go", "install", *flags, f"{package}@{version}"]
        subprocess.run(command, env=os.environ | {"GOBIN": folder}, check=True, timeout=_BUILD_S)
        Path(folder, name).rename(tool)  # at once, so that two test runs never see half a file
    return tool


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        else:
            return
    pytest.fail(f"the S3 server does not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """One embedded Kafka for the whole test run, with all topics; tests keep apart by robot and episode names."""
    with EmbeddedBroker() as started:
        create_topics(started.bootstrap, partitions=4, replication=1)
        yield started
