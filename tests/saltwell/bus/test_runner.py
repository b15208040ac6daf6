"""The runner on a real broker."""

import threading
import time
import uuid
from collections.abc import Collection, Iterable

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from saltwell.bus.event_time import event_time_header
from saltwell.bus.pacing import AHEAD_MS
from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.bus.reading import read_to_end
from saltwell.bus.runner import run
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import MessageFrame
from saltwell.local.broker import EmbeddedBroker

DEADLINE_S = 60
STEP_MS = 100
RECORDS = 200
BEGAN_MS = 1_700_000_000_000


class Recorder:
    """Notes what it reads, in order; its one episode stays open."""

    def __init__(self, topics: tuple[str, ...]) -> None:
        self.name = f"recorder-{uuid.uuid4().hex[:8]}"
        self.topics = topics
        self.seen: list[tuple[str, int]] = []

    def open(self, shard: int) -> "Recorder":
        return self

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        self.seen.append((arrival.topic, arrival.record.seq))
        return ()

    def open_episodes(self) -> Collection[str]:
        return ("take",)

    def close(self) -> None:
        pass


class Uploader(Recorder):
    """Asks for work outside the log; the work is done once the loop has gone round a few times meanwhile."""

    def __init__(self, topics: tuple[str, ...], *, needs_ticks: int) -> None:
        super().__init__(topics)
        self.ticks = threading.Semaphore(0)
        self.done: list[int] = []
        self._needs_ticks = needs_ticks

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        if arrival.topic == self.topics[0]:
            yield Effect(lambda: self._work(arrival.record))

    def _work(self, record: MessageFrame) -> Iterable[Output]:
        for _ in range(self._needs_ticks):
            assert self.ticks.acquire(timeout=DEADLINE_S), "the loop stands still"
        self.done.append(record.seq)
        yield Output(self.topics[1], record)


def _topics(broker: EmbeddedBroker) -> tuple[str, str]:
    names = tuple(f"pace.{uuid.uuid4().hex[:8]}.{kind}" for kind in ("heavy", "light"))
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in names]).values():
        future.result(DEADLINE_S)
    return names  # type: ignore[return-value] # two names


def _fill(broker: EmbeddedBroker, topic: str, payload_bytes: int, *, records: int = RECORDS) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for i in range(records):
        frame = MessageFrame("site", "robot", "take", "/s", i, 0, 0, "t", bytes(payload_bytes))
        producer.produce(topic, Codec().encode(frame), partition=0, headers=event_time_header(BEGAN_MS + i * STEP_MS))
        producer.poll(0)
    assert producer.flush(DEADLINE_S) == 0


def test_after_an_outage_topics_are_read_in_step_and_nothing_is_passed_over(broker) -> None:
    heavy, light = _topics(broker)
    _fill(broker, light, 10)
    _fill(broker, heavy, 200_000)
    recorder = Recorder((heavy, light))
    deadline = time.monotonic() + DEADLINE_S
    run(
        recorder,
        Codec(),
        bootstrap=broker.bootstrap,
        instance="one",
        stopping=lambda: len(recorder.seen) >= 2 * RECORDS or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=lambda: None,
    )
    for topic in (heavy, light):
        assert [seq for name, seq in recorder.seen if name == topic] == list(range(RECORDS)), topic
    position = {heavy: 0, light: 0}
    leads = []
    for topic, seq in recorder.seen:
        position[topic] = seq
        leads.append(abs(position[heavy] - position[light]))
    assert max(leads) * STEP_MS <= AHEAD_MS + STEP_MS


def test_the_loop_goes_round_while_work_outside_the_log_is_done_and_nothing_is_read_meanwhile(broker) -> None:
    asked, answered = _topics(broker)
    _fill(broker, asked, 10, records=3)
    uploader = Uploader((asked, answered), needs_ticks=5)
    deadline = time.monotonic() + DEADLINE_S
    run(
        uploader,
        Codec(),
        bootstrap=broker.bootstrap,
        instance="one",
        stopping=lambda: len(uploader.done) >= 3 or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=uploader.ticks.release,
    )
    assert uploader.done == [0, 1, 2]
    told = [Codec().decode(raw.value).seq for raw in read_to_end(broker.bootstrap, answered, [0])]
    assert told == [0, 1, 2]
