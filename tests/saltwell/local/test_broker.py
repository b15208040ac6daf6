"""The embedded broker is a real Kafka that leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from saltwell.bus.clients import metadata, producer_config
from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker

PARENT = """
import sys, time
from pathlib import Path
from saltwell.local.broker import EmbeddedBroker
with EmbeddedBroker() as broker:
    print(broker.pid, flush=True)
    time.sleep(300)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_two_brokers_at_once_do_not_collide(broker):
    with EmbeddedBroker() as other:
        assert other.bootstrap != broker.bootstrap
        assert metadata(other.bootstrap).brokers


def test_data_in_a_kept_folder_survives_a_restart(tmp_path):
    from saltwell.cli.topics import create_topics

    with EmbeddedBroker(tmp_path / "kafka") as first:
        create_topics(first.bootstrap, partitions=1, replication=1)
        producer = Producer(producer_config(first.bootstrap))
        producer.produce("timeline", b"kept")
        assert producer.flush(20) == 0
    with EmbeddedBroker(tmp_path / "kafka") as second:
        assert "timeline" in metadata(second.bootstrap).topics


def test_a_folder_in_use_is_refused(tmp_path):
    with EmbeddedBroker(tmp_path / "kafka"), pytest.raises(StopError, match="in use by another broker"):
        EmbeddedBroker(tmp_path / "kafka").start()


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StopError, match=f"port {port} is taken"):
            EmbeddedBroker(tmp_path / "kafka", port=port).start()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell a child of its parent's death")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_jvm_outlives_its_parent(number):
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert is_alive(pid)

    os.kill(parent.pid, number)
    parent.wait(30)

    deadline = time.monotonic() + 20
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(pid)
