"""The real sink, a real Kafka: killed and started again, its catalogue is what the markers say."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from saltwell.bus.clients import partition_count, produce, producer_config
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.local import children
from saltwell.local.broker import EmbeddedBroker
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.episodes.finished import announcement, load_episode
from sinks.store import Store, open_store

DEADLINE_S = 150

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def sink(broker: EmbeddedBroker, tmp_path: Path) -> Iterator[Start]:
    """Starts the sink, as often as asked; all are gone at the end."""
    lives: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        ready = tmp_path / f"ready-{len(lives)}"
        command = [sys.executable, "-m", "saltwell.cli.main", "sink", "catalogue", "--bootstrap", broker.bootstrap]
        command += ["--store", str(tmp_path / "store"), "--every-s", "0.1", "--compact-every", "2"]
        lives.append(children.start([*command, "--ready-file", str(ready)], log=tmp_path / "sink.log"))
        wait_until(ready.exists)
        return lives[-1]

    yield start
    for life in lives:
        life.kill()
        life.wait(DEADLINE_S)


def wait_until(holds: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline_s, "it takes too long"
        threading.Event().wait(0.1)


def tell(bootstrap: str, topic: str, *records: Any) -> None:
    producer, codec = Producer(producer_config(bootstrap)), Codec()
    for record in records:
        partition = partition_of(record.robot, partition_count(bootstrap, [topic]))
        produce(producer, topic, codec.encode(record), key=record.robot, partition=partition)
    assert producer.flush(DEADLINE_S) == 0


def finished(bootstrap: str, store: Store, finish: Any, *names: str) -> None:
    """The episodes come into the store, and the log says so."""
    for name in names:
        finish(store, name)
        tell(bootstrap, "episodes.finished", announcement(load_episode(store, name)))


def listed(store: Store) -> dict[str, str]:
    catalogue = Catalogue(store)
    return {row["episode"]: row["decision"] for row in find(catalogue).objects()} if catalogue.read() else {}


def test_a_sink_that_is_killed_and_started_again_agrees_with_the_markers(
    broker: EmbeddedBroker, sink: Start, finish: Any, review_of: Any, tmp_path: Path
) -> None:
    store = open_store(str(tmp_path / "store"), create=True)
    run = uuid.uuid4().hex
    names = [f"{run}-{number}" for number in range(6)]
    finished(broker.bootstrap, store, finish, names[0])  # before its first life

    first = sink()
    wait_until(lambda: listed(store).keys() == {names[0]})
    tell(broker.bootstrap, "reviews", review_of(names[1], "accept"))
    finished(broker.bootstrap, store, finish, *names[1:3])
    wait_until(lambda: listed(store).keys() == {*names[:3]})
    os.kill(first.pid, signal.SIGKILL)
    first.wait(DEADLINE_S)

    finished(broker.bootstrap, store, finish, names[3])
    finish(store, names[4])  # its announcement is lost
    sink()
    finished(broker.bootstrap, store, finish, names[5], names[0])

    wait_until(lambda: listed(store) == dict.fromkeys(names, "review") | {names[1]: "accept"})
