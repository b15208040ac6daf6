"""The whole pipeline as real processes, for tests that look at what comes out."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import EpisodeFinished
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.finished import Watcher
from saltwell.local.stack import Stack

DEADLINE_S = 150
SILENT_S = 5


def saltwell(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "saltwell.cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=DEADLINE_S,
    )


@dataclass
class Pipeline:
    """A running stack on the session's broker."""

    stack: Stack
    bootstrap: str
    store: Path

    def replay(self, recording: Path, *, robot: str, **options: str) -> list[dict[str, Any]]:
        """Play a recording; gives the episodes as `replay --json` reports them."""
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        done = saltwell("replay", str(recording), "--robot", robot, "--bootstrap", self.bootstrap, "--json", *flags)
        assert done.returncode == 0, done.stderr
        episodes: list[dict[str, Any]] = json.loads(done.stdout)["episodes"]
        return episodes

    def finished(self, episodes: list[dict[str, Any]]) -> list[EpisodeFinished]:
        """Wait for finished episodes."""
        watcher = Watcher(self.bootstrap, Codec())
        try:
            seen = watcher.wait([e["id"] for e in episodes], deadline_s=DEADLINE_S, check=self.stack.check)
        finally:
            watcher.close()
        return [seen.finished[e["id"]] for e in episodes]


@contextmanager
def _running(bootstrap: str, folder: Path, **options: Sequence[str]) -> Iterator[Pipeline]:
    stack = Stack(folder / "logs", bootstrap=bootstrap, store=str(folder / "store"), options=options)
    try:
        stack.start()
        yield Pipeline(stack, bootstrap, folder / "store")
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def pipeline(broker: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Four processors and the sink, writing to a folder."""
    with _running(broker.bootstrap, tmp_path_factory.mktemp("pipeline")) as running:
        yield running


@pytest.fixture(scope="module")
def hasty_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """The same on a broker of its own, with little patience for silent robots."""
    with EmbeddedBroker() as broker:
        create_topics(broker.bootstrap, partitions=2, replication=1)
        folder = tmp_path_factory.mktemp("hasty")
        with _running(broker.bootstrap, folder, synchronize=("--silent-after-s", str(SILENT_S))) as running:
            yield running


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return saltwell
