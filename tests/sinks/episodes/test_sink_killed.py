"""The real sink, a real Kafka, a real S3 server: killed at each step of a commit, its next life finishes it, once."""

import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer

from bench.fuzz.records import JPEG, episode
from saltwell.bus.clients import produce, producer_config
from saltwell.bus.reading import read_to_end
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import ImageFrame
from saltwell.contracts.partition import partition_of
from saltwell.contracts.results import EpisodeFinished
from saltwell.local import children
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.stack import worker_command
from sinks.episodes.finished import list_episodes
from sinks.episodes.verify import verify

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PARTITIONS = 2
DEADLINE_S = 150
LONG_S = 35  # longer than /healthz lets the loop stand still
NOISE = np.random.default_rng(1).bytes(1_700_000)  # six of them make two parts

Answer = tuple[int, str]
DROP: Answer = (0, "")


@pytest.fixture(scope="module")
def kafka() -> Iterator[EmbeddedBroker]:
    """A broker of its own: the sinks of other tests are of the same group."""
    with EmbeddedBroker() as broker:
        create_topics(broker.bootstrap, partitions=PARTITIONS, replication=1)
        yield broker


@pytest.fixture
def sink(kafka: EmbeddedBroker, faulty_s3: Any, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts the sink, as often as asked; all are gone at the end."""
    lives: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        ready = tmp_path / f"ready-{len(lives)}"
        command = worker_command(
            "episodes", bootstrap=kafka.bootstrap, store=faulty_s3.store.url, instance="sink-1", ready_file=ready
        )
        lives.append(children.start([*command, "--scratch", str(tmp_path)], log=tmp_path / "sink.log"))
        return lives[-1]

    yield start
    for life in lives:
        life.kill()
        life.wait(DEADLINE_S)


def send(bootstrap: str, *, name: str) -> None:
    """All records of an episode, as the other parts write them."""
    producer, codec = Producer(producer_config(bootstrap)), Codec()
    for topic, record in episode():
        changes: dict[str, Any] = {"robot": name, "episode": name}
        if isinstance(record, ImageFrame) and record.compressed:
            changes["payload"] = JPEG[:-2] + NOISE + JPEG[-2:]
        value = codec.encode(replace(record, **changes))
        produce(producer, topic, value, key=name, partition=partition_of(name, PARTITIONS))
    assert producer.flush(DEADLINE_S) == 0


def told(bootstrap: str, name: str) -> list[EpisodeFinished]:
    """What readers of committed records were told of an episode."""
    records = (Codec().decode(raw.value) for raw in read_to_end(bootstrap, "episodes.finished", range(PARTITIONS)))
    return [record for record in records if record.episode == name]


def wait_until(holds: Callable[[], Any]) -> Any:
    deadline_s = time.monotonic() + DEADLINE_S
    while not (found := holds()):
        assert time.monotonic() < deadline_s, "it takes too long"
        threading.Event().wait(0.1)
    return found


def step_of(request: Any) -> str:
    """Which step of the commit a request is; nothing for those that prepare."""
    for folder in ("episodes", "finished"):
        if f"/{folder}/" in request.path.removeprefix("/episodes") and request.kind != "get":
            return f"{folder} {request.kind}"
    return ""


STEPS = {
    "before data": ("episodes begin", 1, False),
    "mid multipart": ("episodes part", 2, False),
    "before the parts become a file": ("episodes complete", 1, False),
    "after data": ("episodes complete", 1, True),
    "before manifest": ("episodes put", 1, False),
    "after manifest": ("episodes put", 1, True),
    "before marker": ("finished put", 1, False),
    "after marker, before the Kafka commit": ("finished put", 1, True),
}
"""Request before or behind which the sink dies: its step, the how many-th of its kind, and whether it was done."""


@pytest.mark.parametrize("when", STEPS)
def test_a_sink_killed_at_any_step_is_finished_by_its_next_life_once(
    kafka: EmbeddedBroker, faulty_s3: Any, sink: Callable[[], subprocess.Popen[bytes]], tmp_path: Path, when: str
) -> None:
    step, number, done = STEPS[when]
    name = f"killed-{list(STEPS).index(when)}"
    seen: list[str] = []

    def die(request: Any) -> Answer | None:
        if (of := step_of(request)) == step:
            seen.append(of)
            if len(seen) == number:
                if done:
                    request.forward()
                first.kill()
        return DROP if len(seen) >= number else None

    faulty_s3.behave = die
    first = sink()
    send(kafka.bootstrap, name=name)
    assert first.wait(DEADLINE_S) == -signal.SIGKILL
    faulty_s3.behave = lambda _: None

    assert told(kafka.bootstrap, name) == []
    visible = list(list_episodes(faulty_s3.store))
    assert visible == ([name] if (step, done) == ("finished put", True) else [])
    for one in visible:
        assert verify(faulty_s3.store, one).problems == ()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".mcap" or path.is_dir()]

    sink()
    [finished] = wait_until(lambda: told(kafka.bootstrap, name))
    assert verify(faulty_s3.store, name).problems == ()
    assert {ledger.written for ledger in finished.streams} == {6}
    assert len(list(faulty_s3.store.list("episodes"))) == 2
    assert list(faulty_s3.store.list("conflicts")) == []


def test_a_sink_killed_behind_the_kafka_commit_does_nothing_again(
    kafka: EmbeddedBroker, faulty_s3: Any, sink: Callable[[], subprocess.Popen[bytes]]
) -> None:
    first = sink()
    send(kafka.bootstrap, name="killed-behind")
    before = wait_until(lambda: told(kafka.bootstrap, "killed-behind"))
    first.kill()
    first.wait(DEADLINE_S)
    steps: list[str] = []
    faulty_s3.behave = lambda request: steps.append(step_of(request))

    sink()
    send(kafka.bootstrap, name="the-next")  # behind it in the log, when the partition is the same
    wait_until(lambda: told(kafka.bootstrap, "the-next"))

    assert told(kafka.bootstrap, "killed-behind") == before
    assert steps.count("finished put") == 1


def test_an_upload_that_takes_long_neither_fails_the_health_check_nor_loses_the_membership(
    kafka: EmbeddedBroker, faulty_s3: Any, sink: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    def slow(request: Any) -> None:
        if step_of(request) == "episodes complete":
            threading.Event().wait(LONG_S)

    faulty_s3.behave = slow
    life = sink()
    port = int(wait_until(lambda: (tmp_path / "ready-0").exists() and (tmp_path / "ready-0").read_text().split())[1])
    send(kafka.bootstrap, name="slow")
    wait_until(lambda: "complete" in faulty_s3.kinds)
    answers = set()
    while faulty_s3.kinds[-1] == "complete":
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            answers.add(answer.status)
        threading.Event().wait(0.5)

    assert answers == {200}
    assert len(wait_until(lambda: told(kafka.bootstrap, "slow"))) == 1
    assert life.poll() is None
    assert "begins again" not in (tmp_path / "sink.log").read_text()


def test_a_store_that_is_ill_for_a_while_is_waited_for_without_reading_the_log_again(
    kafka: EmbeddedBroker, faulty_s3: Any, sink: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    refused: list[str] = []

    def ill(request: Any) -> Answer | None:
        if step_of(request) and len(refused) < 3:
            refused.append(request.kind)
            return 409, "OperationAborted"
        return None

    faulty_s3.behave = ill
    sink()
    send(kafka.bootstrap, name="ill")

    assert len(wait_until(lambda: told(kafka.bootstrap, "ill"))) == 1
    log = (tmp_path / "sink.log").read_text()
    assert log.count("next try in") == 3
    assert "begins again" not in log
