"""The runner on a real broker."""

import threading
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from itertools import count

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from processors.score.processor import Score
from saltwell.bus import committed
from saltwell.bus.event_time import event_time_header
from saltwell.bus.pacing import AHEAD_MS
from saltwell.bus.processor import Arrival, Effect, Output
from saltwell.bus.reading import log_ends, read_to_end
from saltwell.bus.runner import run
from saltwell.cli.topics import create_topics
from saltwell.contracts.codec import Codec
from saltwell.contracts.frames import ImageFrame
from saltwell.contracts.timeline import EpisodeStarted, EpisodeStopped, StreamDeclared, StreamEnded
from saltwell.local.broker import EmbeddedBroker
from saltwell.metrics import RECORDS_WRITTEN

pytestmark = pytest.mark.slow

DEADLINE_S = 150
LOOK_EVERY = 40  # turns of the loop
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


class Teller(Uploader):
    """Says a word before each piece of work; the work looks whether it stands in the log, committed or not."""

    def __init__(self, shard: int, bootstrap: str) -> None:
        super().__init__(shard, needs_ticks=5)
        self.ends: list[int] = []
        self._bootstrap = bootstrap

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        if arrival.partition == self.shard and arrival.topic == HEAVY:
            yield Output(LIGHT, arrival.record)
            yield Effect(lambda: self._look(arrival.record))

    def _look(self, record: ImageFrame) -> Iterable[Output]:
        told = [*self._work(record)]
        self.ends.append(log_ends(self._bootstrap, [LIGHT], self.shard)[LIGHT])
        return told


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    """A broker that holds nothing but what these tests write."""
    with EmbeddedBroker() as broker:
        create_topics(broker.bootstrap, partitions=5, replication=1)
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
    written = (sample for metric in RECORDS_WRITTEN.collect() for sample in metric.samples)
    assert [s.value for s in written if s.labels["part"] == uploader.name and s.name.endswith("_total")] == [3]


def test_no_transaction_is_open_while_work_outside_the_log_is_done(bootstrap) -> None:
    """The broker would abort it after ten seconds, and the session would begin again."""
    shard = 2
    before = log_ends(bootstrap, [LIGHT], shard)[LIGHT]
    _fill(bootstrap, HEAVY, shard, records=1, payload_bytes=10)
    teller = Teller(shard, bootstrap)
    deadline = time.monotonic() + DEADLINE_S
    run(
        teller,
        Codec(),
        bootstrap=bootstrap,
        instance="one",
        stopping=lambda: bool(teller.ends) or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=teller.ticks.release,
    )
    assert teller.ends == [before]
    assert len([*read_to_end(bootstrap, LIGHT, [shard])]) == 2, "both words are there once it is committed"


def test_an_episode_closes_though_retention_took_its_frames_and_their_end(bootstrap) -> None:
    shard = 3
    stream = StreamDeclared("/s", "color", 30.0, "nearest", "Image", "cdr", "ros2msg", "", {})
    ended = StreamEnded("site", "robot", "take", "/s", "color", 1, 4, 5, ())
    producer = Producer({"bootstrap.servers": bootstrap})
    for topic, record in (
        ("timeline", EpisodeStarted("site", "robot", "take", 0, 0, "sort", "", [stream], {})),
        (HEAVY, ended),
        ("timeline", ended),
        ("timeline", EpisodeStopped("site", "robot", "take", 2, 0, None)),
    ):
        producer.produce(topic, Codec().encode(record), partition=shard)
        assert producer.flush(DEADLINE_S) == 0
    admin = AdminClient({"bootstrap.servers": bootstrap})  # kept: its answers end with it
    [gone] = admin.delete_records([TopicPartition(HEAVY, shard, 1)]).values()
    gone.result(DEADLINE_S)

    def given() -> list[StreamEnded]:
        records = (Codec().decode(raw.value) for raw in read_to_end(bootstrap, "scores", [shard]))
        return [record for record in records if isinstance(record, StreamEnded)]

    deadline, turns, seen = time.monotonic() + DEADLINE_S, count(1), set()

    def stopping() -> bool:
        if next(turns) % LOOK_EVERY == 0:
            seen.update(given())
        return bool(seen) or time.monotonic() > deadline

    run(
        Score(),
        Codec(),
        bootstrap=bootstrap,
        instance="one",
        stopping=stopping,
        on_ready=lambda: None,
        on_tick=lambda: None,
    )
    assert given() == [ended]


def test_a_transaction_that_never_ends_holds_up_a_shard_for_a_while_only(bootstrap, monkeypatch, caplog) -> None:
    """As a broker leaves one that was killed while it committed."""
    monkeypatch.setattr(committed, "ASK_S", 1.0)
    shard = 4
    recorder = Recorder(shard)
    group = f"saltwell.{recorder.name}"
    _fill(bootstrap, HEAVY, shard, records=5, payload_bytes=10)
    undecided = Producer({"bootstrap.servers": bootstrap, "transactional.id": group, "transaction.timeout.ms": 600_000})
    undecided.init_transactions(DEADLINE_S)
    undecided.begin_transaction()
    outsider = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    hidden = [TopicPartition(HEAVY, shard, 3)]
    undecided.send_offsets_to_transaction(hidden, outsider.consumer_group_metadata(), DEADLINE_S)

    deadline = time.monotonic() + DEADLINE_S
    run(
        recorder,
        Codec(),
        bootstrap=bootstrap,
        instance="one",
        stopping=lambda: len(recorder.seen) == 5 or time.monotonic() > deadline,
        on_ready=lambda: None,
        on_tick=lambda: None,
    )

    assert "a transaction that never ends" in caplog.text
    assert recorder.seen == [(HEAVY, seq) for seq in range(5)]  # nothing of what is undecided was believed
    outsider.close()
