"""The runner on a real broker."""

import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator

import pytest
from confluent_kafka import Producer

from saltwell.bus.event_time import event_time_header
from saltwell.bus.pacing import AHEAD_MS
from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.bus.reading import read_to_end
from saltwell.bus.runner import run
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import ImageFrame
from saltwell.local.broker import EmbeddedBroker

DEADLINE_S = 60
STEP_MS = 100
RECORDS = 200
BEGAN_MS = 1_700_000_000_000
HEAVY, LIGHT = TOPICS = ("frames.color", "frames.depth")


class Recorder:
    """Notes what it reads of one shard, in order; its one episode stays open."""

    topics = TOPICS

    def __init__(self, shard: int) -> None:
        self.name = f"recorder-{uuid.uuid4().hex[:8]}"
        self.shard = shard
        self.seen: list[tuple[str, int]] = []

    def open(self, shard: int) -> "Recorder":
        return self

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        if arrival.partition == self.shard:
            self.seen.append((arrival.topic, arrival.record.seq))
        return ()

    def open_episodes(self) -> Collection[str]:
        return ("take",)

    def close(self) -> None:
        pass


class Uploader(Recorder):
    """Asks for work outside the log; the work is done once the loop has gone round a few times meanwhile."""

    def __init__(self, shard: int, *, needs_ticks: int) -> None:
        super().__init__(shard)
        self.ticks = threading.Semaphore(0)
        self.done: list[int] = []
        self._needs_ticks = needs_ticks

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        if arrival.partition == self.shard and arrival.topic == HEAVY:
            yield Effect(lambda: self._work(arrival.record))

    def _work(self, record: ImageFrame) -> Iterable[Output]:
        for _ in range(self._needs_ticks):
            assert self.ticks.acquire(timeout=DEADLINE_S), "the loop stands still"
        self.done.append(record.seq)
        yield Output(LIGHT, record)


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker that holds nothing but what these tests write."""
    with EmbeddedBroker() as broker:
        create_topics(broker.bootstrap, partitions=2, replication=1)
        yield broker.bootstrap


def _fill(bootstrap: str, topic: str, shard: int, *, records: int, payload_bytes: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(records):
        frame = ImageFrame(
            "site", "robot", "take", "/s", i, 0, 0, "", False, "mono8", 0, 0, 0, False, bytes(payload_bytes)
        )
        time_of = event_time_header(BEGAN_MS + i * STEP_MS)
        producer.produce(topic, Codec().encode(frame), partition=shard, headers=time_of)
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0


def test_after_an_outage_topics_are_read_in_step_and_nothing_is_passed_over(bootstrap) -> None:
    _fill(bootstrap, LIGHT, 0, records=RECORDS, payload_bytes=10)
    _fill(bootstrap, HEAVY, 0, records=RECORDS, payload_bytes=200_000)
    recorder = Recorder(0)
    deadline = time.monotonic() + DEADLINE_S
    run(
        recorder,
        Codec(),
        bootstrap=bootstrap,
        instance="one",
        stopping=lambda: len(recorder.seen) >= 2 * RECORDS or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=lambda: None,
    )
    for topic in TOPICS:
        assert [seq for name, seq in recorder.seen if name == topic] == list(range(RECORDS)), topic
    position = dict.fromkeys(TOPICS, 0)
    leads = []
    for topic, seq in recorder.seen:
        position[topic] = seq
        leads.append(abs(position[HEAVY] - position[LIGHT]))
    assert max(leads) * STEP_MS <= AHEAD_MS + STEP_MS


def test_the_loop_goes_round_while_work_outside_the_log_is_done_and_nothing_is_read_meanwhile(bootstrap) -> None:
    _fill(bootstrap, HEAVY, 1, records=3, payload_bytes=10)
    uploader = Uploader(1, needs_ticks=5)
    deadline = time.monotonic() + DEADLINE_S
    run(
        uploader,
        Codec(),
        bootstrap=bootstrap,
        instance="one",
        stopping=lambda: len(uploader.done) >= 3 or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=uploader.ticks.release,
    )
    assert uploader.done == [0, 1, 2]
    told = [Codec().decode(raw.value).seq for raw in read_to_end(bootstrap, LIGHT, [1])]
    assert told == [0, 1, 2]
