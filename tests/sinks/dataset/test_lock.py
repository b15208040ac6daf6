"""Two publishers never number episodes alike; a dead one is no hindrance."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saltwell.errors import StopError
from sinks.dataset.lock import LOCK_OBJECT, alone
from sinks.store import Store, open_store

HOLDING = """
import sys
from sinks.dataset.lock import alone
from sinks.store import open_store
with alone(open_store(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(store: Store) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of `store`."""
    command = [sys.executable, "-c", HOLDING, store.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_publisher_is_told_in_one_line_who_is_at_it(store: Store, holder) -> None:
    said = f"is being published by process {holder.pid}; wait until it is done"
    with pytest.raises(StopError, match=said), alone(store):
        pass


def test_the_lock_of_a_dead_process_is_taken_over(store: Store, holder) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(30)
    with alone(store):
        pass


def test_the_lock_is_let_go_of_and_leaves_nothing_in_the_dataset(store: Store) -> None:
    for _ in range(2):
        with alone(store):
            pass
    assert [*store.list("")] == []


def test_a_publisher_on_another_machine_is_named_with_what_to_do(
    s3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    target = open_store(f"{s3.url}/{tmp_path.name}/set")
    target.put(LOCK_OBJECT, b"station-7 64:12")
    said = r"from station-7; if that process is dead, remove s3://.*/publishing.lock"
    with pytest.raises(StopError, match=said), alone(target):
        pass
    assert target.get(LOCK_OBJECT) == b"station-7 64:12"
