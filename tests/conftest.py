"""Fixtures that every test may use."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from bench.faults import servers
from bench.go_tool import BUILD_S
from bench.go_tool import go_tool as built
from saltwell.cli.topics import create_topics
from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker

# How long an example takes on a shared machine proves nothing.
settings.register_profile("saltwell", deadline=None)
settings.load_profile("saltwell")

# A shell that starts us in the background has us ignore Ctrl-C, and so would the processes that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

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


@dataclass(frozen=True)
class S3:
    """A running S3 server: the environment its clients need, and a bucket. Use a prefix of your own."""

    env: dict[str, str]
    url: str


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that needs a program in Go may have to build it. Files with slow tests come first.

    A file is one worker's (`--dist loadfile`): the last ones should be short, or one worker ends long after the other.
    """
    for item in items:
        if "go_tool" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(BUILD_S))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def go_tool() -> Callable[..., Path]:
    """Gives a program by its Go package, version and flags of the build, built once into ~/.cache/saltwell."""
    return _go_tool


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory, go_tool: Callable[..., Path]) -> Iterator[S3]:
    """versitygw over a temporary folder."""
    go_tool(servers.S3_SERVER, servers.S3_VERSION)  # or skips
    server = servers.s3_server(tmp_path_factory.mktemp("s3"))
    try:
        yield S3(servers.s3_client_env(server.port), f"s3://{servers.BUCKET}")
    finally:
        server.stop()


def _go_tool(package: str, version: str, *flags: str) -> Path:
    try:
        return built(package, version, *flags)
    except StopError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """One embedded Kafka for all tests of a process, with all topics; tests keep apart by robot and episode names."""
    with EmbeddedBroker() as started:
        create_topics(started.bootstrap, partitions=4, replication=1)
        yield started
