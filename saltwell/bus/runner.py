"""The one loop that runs every processor and sink on Kafka.

One transaction holds outputs, low watermarks (as committed offsets) and marks (in the offset metadata). Any failure
of a transaction, and any loss of a shard in mid-transaction, ends the session: everything in memory is thrown away
and a new session begins from the log. There is no other way to recover, so this one is always exercised.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable

from confluent_kafka import OFFSET_BEGINNING as BEGINNING
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from saltwell.bus.clients import consumer_config, produce, transactional_config
from saltwell.bus.driver import ALL_EPISODES, Result, ShardDriver
from saltwell.bus.event_time import event_time_header
from saltwell.bus.processor import Effect, Processor
from saltwell.bus.raw import Raw
from saltwell.bus.reading import raw_of
from saltwell.contracts.codec import Codec
from saltwell.errors import RetryError, StopError
from saltwell.metrics import LOG_TRUNCATED, RECORDS_WRITTEN, TRANSACTIONS

log = logging.getLogger(__name__)

_POLL_S = 0.05
_COMMIT_OUTPUTS_S = 0.1
_COMMIT_POSITIONS_S = 1.0
_TRANSACTION_S = 10.0
_BACKOFF_S = 1.0
_LISTEN_EVERY_S = 1.0
_MAX_NOTE = 3_000  # brokers refuse 4,096


class Session:
    """One life of a consumer and a transactional producer; ends with RetryError or StopError."""

    def __init__(
        self,
        processor: Processor,
        codec: Codec,
        *,
        bootstrap: str,
        instance: str,
        on_ready: Callable[[], None],
    ) -> None:
        self._processor = processor
        self._codec = codec
        self._on_ready = on_ready
        self._starts: dict[int, dict[str, tuple[int, int]]] = {}  # partition -> topic -> (offset, mark)
        self._open_at_commit: dict[int, frozenset[str]] = {}
        self._drivers: dict[int, ShardDriver] = {}
        self._paused: dict[int, frozenset[str]] = {}
        self._in_transaction = False
        self._moved = False
        self._committed_s = self._listened_s = time.monotonic()
        name = f"saltwell.{processor.name}"
        self._producer = Producer(transactional_config(bootstrap, f"{name}.{instance}"))
        self._consumer = Consumer(consumer_config(bootstrap, name))

    def start(self) -> None:
        """Fence off an earlier life of this instance and join the group."""
        self._guard(lambda: self._producer.init_transactions(_TRANSACTION_S))
        self._consumer.subscribe(
            list(self._processor.topics),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def turn(self) -> None:
        """Take at most one message, and commit when it is time."""
        message = self._consumer.poll(_POLL_S)
        if message is not None:
            self._take(message)
        self._end_silent_when_due()
        self._commit_when_due(idle=message is None)

    def close(self, *, graceful: bool) -> None:
        """Leave the group; commit what is done when `graceful`, else leave it to the next life."""
        try:
            if graceful:
                self._commit()
            elif self._in_transaction:
                self._producer.abort_transaction(_TRANSACTION_S)
        except (KafkaException, RetryError) as error:
            log.warning("%s: not committed at the end, will be done again: %s", self._processor.name, error)
        for driver in self._drivers.values():
            driver.close()
        self._drivers.clear()
        self._consumer.close()

    # -- messages

    def _take(self, message: Message) -> None:
        error = message.error()
        topic, partition, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        if error is None:
            self._feed(raw_of(message))
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
            self._reached_end(topic, partition, offset)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - the client's public name for it
            self._truncated(topic, partition)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise StopError(f"topic missing: {error.str()}; run `saltwell topics create`")
        elif error.fatal():
            raise RetryError(f"consumer: {error.str()}")
        else:
            log.warning("%s: %s", self._processor.name, error.str())

    def _feed(self, raw: Raw) -> None:
        driver = self._drivers.get(raw.partition)
        if driver is not None:
            self._write(raw.partition, driver.feed(raw), raw.event_ms)
            self._moved = True
            self._keep_pace(raw.partition, driver)

    def _reached_end(self, topic: str, partition: int, position: int) -> None:
        driver = self._drivers.get(partition)
        if driver is not None:
            self._write(partition, driver.reached_end(topic, position), _now_ms())
            self._keep_pace(partition, driver)

    def _keep_pace(self, shard: int, driver: ShardDriver) -> None:
        """Pause the topics that run ahead, resume those that do not any more."""
        before, now = self._paused.get(shard, frozenset()), driver.paused()
        if now == before:
            return
        self._paused[shard] = now
        if now - before:
            self._consumer.pause([TopicPartition(topic, shard) for topic in now - before])
        if before - now:
            self._consumer.resume([TopicPartition(topic, shard) for topic in before - now])

    def _end_silent_when_due(self) -> None:
        now_s = time.monotonic()
        if now_s - self._listened_s < _LISTEN_EVERY_S:
            return
        self._listened_s = now_s
        for shard, driver in self._drivers.items():
            self._write(shard, driver.end_silent(_now_ms()), _now_ms())

    def _truncated(self, topic: str, partition: int) -> None:
        """Retention took records we still needed: say so, and go on from what is there; the ledger will show it."""
        LOG_TRUNCATED.labels(self._processor.name, topic).inc()
        low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), _TRANSACTION_S)
        log.error("%s: %s %d: records before offset %d are gone", self._processor.name, topic, partition, low)
        self._consumer.seek(TopicPartition(topic, partition, low))
        self._reached_end(topic, partition, high)

    def _write(self, partition: int, results: Iterable[Result], event: int) -> None:
        headers = event_time_header(event)
        for result in results:
            if isinstance(result, Effect):
                self._write(partition, result.run(), event)
                continue
            self._begin()
            record = result.record
            value = self._codec.encode(record)
            produce(self._producer, result.topic, value, key=record.robot, partition=partition, headers=headers)
            RECORDS_WRITTEN.labels(self._processor.name, result.topic).inc()

    # -- transactions

    def _begin(self) -> None:
        if not self._in_transaction:
            self._guard(self._producer.begin_transaction)
            self._in_transaction = True

    def _commit_when_due(self, *, idle: bool) -> None:
        since_s = time.monotonic() - self._committed_s
        if self._in_transaction:
            if idle or since_s >= _COMMIT_OUTPUTS_S:
                self._commit()
        elif self._moved and since_s >= _COMMIT_POSITIONS_S:
            self._commit()

    def _commit(self) -> None:
        offsets = [
            TopicPartition(topic, partition, low, note(driver.positions()[topic], driver.open_episodes()))
            for partition, driver in self._drivers.items()
            if not driver.replaying
            for topic, low in driver.low_watermarks().items()
        ]
        self._committed_s, self._moved = time.monotonic(), False
        if not offsets:
            return
        self._begin()
        self._guard(lambda: self._end_transaction(offsets))
        self._in_transaction = False
        TRANSACTIONS.labels(self._processor.name, "committed").inc()

    def _end_transaction(self, offsets: list[TopicPartition]) -> None:
        self._producer.flush(_TRANSACTION_S)  # measured: without it, sending the offsets waits for linger
        group = self._consumer.consumer_group_metadata()
        self._producer.send_offsets_to_transaction(offsets, group, _TRANSACTION_S)
        self._producer.commit_transaction(_TRANSACTION_S)

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except KafkaException as error:
            TRANSACTIONS.labels(self._processor.name, "failed").inc()
            raise RetryError(f"transaction: {error.args[0].str()}") from error

    # -- shards

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, timeout=_TRANSACTION_S) if partitions else []
        for tp in committed:
            start = tp.offset if tp.offset >= 0 else BEGINNING
            mark, episodes = read_note(tp.metadata) if tp.offset >= 0 else (0, frozenset())
            self._starts.setdefault(tp.partition, {})[tp.topic] = (start, mark)
            self._open_at_commit[tp.partition] = self._open_at_commit.get(tp.partition, frozenset()) | episodes
        starts = [TopicPartition(tp.topic, tp.partition, self._starts[tp.partition][tp.topic][0]) for tp in committed]
        consumer.incremental_assign(starts)  # once: assigning a partition again delivers its records twice
        for shard in {tp.partition for tp in committed}:
            self._open_when_whole(shard)
        self._on_ready()

    def _open_when_whole(self, shard: int) -> None:
        """Begin a shard once all its partitions are here; until then they stand still."""
        starts = self._starts[shard]
        mine = [TopicPartition(topic, shard) for topic in starts]
        if len(starts) < len(self._processor.topics):
            self._consumer.pause(mine)
            return
        marks = {topic: mark for topic, (start, mark) in starts.items() if mark > start}
        episodes = self._open_at_commit.pop(shard, frozenset())
        driver = ShardDriver(self._processor, shard, self._codec, marks=marks, open_episodes=episodes)
        self._drivers[shard], self._paused[shard] = driver, driver.paused()
        self._consumer.resume([tp for tp in mine if tp.topic not in driver.paused()])
        self._consumer.pause([tp for tp in mine if tp.topic in driver.paused()])

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._commit()
        self._drop(partitions)
        consumer.incremental_unassign(partitions)
        if any(self._starts[tp.partition] for tp in partitions):
            raise RetryError(f"{self._processor.name}: only a part of a shard was taken")  # its rest stands too far on

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.incremental_unassign(partitions)
        raise RetryError(f"{self._processor.name}: lost {len(partitions)} partitions to another member")

    def _drop(self, partitions: Iterable[TopicPartition]) -> None:
        for tp in partitions:
            self._starts.get(tp.partition, {}).pop(tp.topic, None)
            self._paused.pop(tp.partition, None)
            driver = self._drivers.pop(tp.partition, None)
            if driver is not None:
                driver.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def note(mark: int, open_episodes: Collection[str]) -> str:
    """What stands beside a committed offset: the mark and the open episodes; too many of them stand as "all"."""
    text = " ".join([str(mark), *sorted(open_episodes)])
    return text if len(text) <= _MAX_NOTE else f"{mark} {ALL_EPISODES}"


def read_note(text: str | None) -> tuple[int, frozenset[str]]:
    """Mark and open episodes of a note."""
    mark, *episodes = (text or "0").split(" ")
    return int(mark), frozenset(episodes)


def run(
    processor: Processor,
    codec: Codec,
    *,
    bootstrap: str,
    instance: str,
    stopping: Callable[[], bool],
    on_ready: Callable[[], None],
    on_tick: Callable[[], None],
) -> None:
    """Run sessions until `stopping()`; a session that fails is followed by a new one. Raises StopError."""
    while not stopping():
        session = Session(processor, codec, bootstrap=bootstrap, instance=instance, on_ready=on_ready)
        graceful = False
        try:
            session.start()
            while not stopping():
                session.turn()
                on_tick()
            graceful = True
        except RetryError as error:
            log.warning("%s: begins again: %s", processor.name, error)
            time.sleep(_BACKOFF_S)
        finally:
            session.close(graceful=graceful)
