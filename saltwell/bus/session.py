"""One life of a processor on Kafka: a consumer, a transactional producer, and a driver for each shard.

One transaction holds outputs, low watermarks (as committed offsets) and marks (in the offset metadata). Any failure
of a transaction, and any loss of a shard in mid-transaction, ends the session: everything in memory is thrown away
and a new session begins from the log. There is no other way to recover, so this one is always exercised.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from saltwell.bus.clients import consumer_config
from saltwell.bus.committed import committed_offsets
from saltwell.bus.driver import Result, ShardDriver
from saltwell.bus.lag import Lag
from saltwell.bus.note import notes
from saltwell.bus.processor import Effect, Output, Processor
from saltwell.bus.reading import log_ends, raw_of
from saltwell.bus.starts import Starts
from saltwell.bus.transactions import TRANSACTION_S, TransactionalWriter
from saltwell.contracts.access import group_of
from saltwell.contracts.codec import Codec
from saltwell.errors import RetryError, StopError
from saltwell.metrics import LOG_TRUNCATED

log = logging.getLogger(__name__)

_POLL_S = 0.05
_COMMIT_OUTPUTS_S = 0.1
_COMMIT_POSITIONS_S = 1.0
_LISTEN_EVERY_S = 1.0


class Session:
    """Ends with RetryError or StopError, or when nobody calls `turn` any more; then `close` it."""

    def __init__(
        self,
        processor: Processor,
        codec: Codec,
        *,
        bootstrap: str,
        instance: str,
        on_ready: Callable[[], None],
        on_tick: Callable[[], None],
    ) -> None:
        self._processor = processor
        self._codec = codec
        self._bootstrap = bootstrap
        self._on_ready = on_ready
        self._on_tick = on_tick
        self._starts = Starts(processor.topics)
        self._lag = Lag(processor.name)
        self._drivers: dict[int, ShardDriver] = {}
        self._paused: dict[int, frozenset[str]] = {}
        self._effects = ThreadPoolExecutor(1, thread_name_prefix="effect")
        self._in_effect = False
        self._closing = False
        self._backlog: deque[Message] = deque()  # what the consumer gave while an effect ran
        self._commit_now = False
        self._moved = False
        self._committed_s = self._listened_s = time.monotonic()
        self._group = group_of(processor.name)
        self._writer = TransactionalWriter(
            codec, part=processor.name, bootstrap=bootstrap, transactional_id=f"{self._group}.{instance}"
        )
        self._consumer = Consumer(consumer_config(bootstrap, self._group))

    def start(self) -> None:
        """Fence off an earlier life of this instance and join the group."""
        self._writer.start()
        self._consumer.subscribe(
            list(self._processor.topics),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def turn(self) -> None:
        """Take at most one message, and commit when it is time."""
        message = self._backlog.popleft() if self._backlog else self._consumer.poll(_POLL_S)
        if message is not None:
            self._take(message)
        self._listen_when_due()
        self._commit_when_due(idle=message is None)

    def close(self, *, graceful: bool) -> None:
        """Leave the group; commit what is done when `graceful`, else leave it to the next life."""
        self._closing = True
        try:
            if graceful:
                self._commit()
            else:
                self._writer.abort()
        except RetryError as error:
            log.warning("%s: not committed at the end, will be done again: %s", self._processor.name, error)
        for driver in self._drivers.values():
            driver.close()
        self._drivers.clear()
        try:
            self._consumer.close()
        except (RetryError, KafkaException) as error:
            log.warning("%s: left its group in disorder: %s", self._processor.name, error)
        self._effects.shutdown(wait=False)  # one that still runs does no harm: it will be done again, the same

    # -- messages

    def _take(self, message: Message) -> None:
        error = message.error()
        topic, shard, offset = message.topic() or "", message.partition() or 0, message.offset() or 0
        if error is None:
            raw = raw_of(message)
            self._lag.read(topic, shard, raw.event_ms)
            self._drive(shard, lambda driver: driver.feed(raw), raw.event_ms)
            self._moved = True
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
            self._lag.at_end(topic, shard)
            self._drive(shard, lambda driver: driver.reached_end(topic, offset), _now_ms())
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - the client's public name for it
            self._truncated(topic, shard)
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise StopError(f"topic missing: {error.str()}; run `saltwell topics create`")
        elif error.fatal():
            raise RetryError(f"consumer: {error.str()}")
        else:
            log.warning("%s: %s", self._processor.name, error.str())

    def _drive(self, shard: int, step: Callable[[ShardDriver], Iterable[Result]], event_ms: int) -> None:
        """Let a shard that is ours do something, write what it gives, and keep its topics in step."""
        driver = self._drivers.get(shard)
        if driver is not None:
            self._write(shard, step(driver), event_ms)
            self._keep_pace(shard, driver)

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

    def _listen_when_due(self) -> None:
        """Look for what does not come: words of a robot, ends of streams."""
        now_s = time.monotonic()
        if now_s - self._listened_s < _LISTEN_EVERY_S:
            return
        self._listened_s = now_s
        for shard, driver in [*self._drivers.items()]:
            self._drive(shard, lambda driver: driver.end_silent(_monotonic_ms()), _now_ms())
            self._look_for_ends(shard, driver.overdue(_monotonic_ms()))

    def _look_for_ends(self, shard: int, topics: Collection[str]) -> None:
        """Ask where these topics end; give what retention took of what an episode's end waits for."""
        held = log_ends(self._bootstrap, topics, shard) if topics else {}
        self._drive(shard, lambda driver: driver.give_taken_ends(held), _now_ms())

    def _truncated(self, topic: str, shard: int) -> None:
        """Retention took records we still needed: say so, and go on from what is there; the ledger will show it."""
        LOG_TRUNCATED.labels(self._processor.name, topic).inc()
        low, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, shard), TRANSACTION_S)
        log.error("%s: %s %d: records before offset %d are gone", self._processor.name, topic, shard, low)
        # Not seek: the client refuses it on a partition whose offset it could not find.
        self._consumer.incremental_unassign([TopicPartition(topic, shard)])
        self._consumer.incremental_assign([TopicPartition(topic, shard, low)])
        self._drive(shard, lambda driver: driver.begins_at(topic, low), _now_ms())
        if (driver := self._drivers.get(shard)) is not None:
            self._resume(shard, driver)

    def _write(self, shard: int, results: Iterable[Result], event_ms: int) -> None:
        for result in results:
            if isinstance(result, Effect):
                self._write(shard, self._do(result), event_ms)
            else:
                self._writer.write(result, partition=shard, event_ms=event_ms)

    # -- work outside the log

    def _do(self, effect: Effect) -> list[Output]:
        """Do the work in a thread: meanwhile the consumer stays a member of its group, and the process healthy.

        Nothing may be committed until it is done: the position is behind the record that asks for it.
        """
        work = self._effects.submit(lambda: [*effect.run()])
        self._consumer.pause(self._consumer.assignment())
        self._in_effect = True
        try:
            while not work.done():
                message = self._consumer.poll(_POLL_S)
                if message is not None:
                    self._backlog.append(message)
                self._on_tick()
        finally:
            self._in_effect = False
        for shard, driver in self._drivers.items():
            self._resume(shard, driver)
        self._commit_now = True  # what is done need not be done again
        return work.result()

    def _resume(self, shard: int, driver: ShardDriver) -> None:
        """Read on, but for the topics that the driver holds back."""
        self._paused[shard] = held = driver.paused()
        self._consumer.pause([TopicPartition(topic, shard) for topic in held])
        self._consumer.resume([TopicPartition(topic, shard) for topic in self._processor.topics if topic not in held])

    # -- transactions

    def _commit_when_due(self, *, idle: bool) -> None:
        since_s = time.monotonic() - self._committed_s
        if self._writer.has_written:
            if idle or self._commit_now or since_s >= _COMMIT_OUTPUTS_S:
                self._commit()
        elif self._moved and since_s >= _COMMIT_POSITIONS_S:
            self._commit()

    def _commit(self) -> None:
        offsets = [
            TopicPartition(topic, shard, driver.low_watermarks()[topic], text)
            for shard, driver in self._drivers.items()
            if not driver.replaying
            for topic, text in notes(driver.positions(), driver.open_episodes()).items()
        ]
        self._committed_s, self._moved, self._commit_now = time.monotonic(), False, False
        if offsets:
            self._writer.commit(offsets, self._consumer.consumer_group_metadata())

    # -- shards

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return
        self._refuse_in_effect()
        committed = self._committed(partitions) if partitions else []
        # Once: assigning a partition again delivers its records twice.
        consumer.incremental_assign([self._starts.add(tp) for tp in committed])
        for shard in {tp.partition for tp in committed}:
            self._open_when_whole(shard)
        self._on_ready()

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        config = consumer_config(self._bootstrap, self._group) | {"isolation.level": "read_uncommitted"}
        return committed_offsets(self._consumer, partitions, heedless=lambda: Consumer(config), on_tick=self._on_tick)

    def _open_when_whole(self, shard: int) -> None:
        """Begin a shard once all its partitions are here; until then they stand still."""
        start = self._starts.whole(shard)
        if start is None:
            self._consumer.pause([tp for tp in self._consumer.assignment() if tp.partition == shard])
            return
        driver = ShardDriver(
            self._processor,
            shard,
            self._codec,
            offsets=start.offsets,
            marks=start.marks,
            open_episodes=start.open_episodes,
        )
        self._drivers[shard] = driver
        self._resume(shard, driver)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return
        self._refuse_in_effect()
        self._commit()
        for shard in {tp.partition for tp in partitions}:
            self._paused.pop(shard, None)
            self._lag.drop(shard)
            driver = self._drivers.pop(shard, None)
            if driver is not None:
                driver.close()
        consumer.incremental_unassign(partitions)
        if self._starts.drop(partitions):
            raise RetryError(f"{self._processor.name}: only a part of a shard was taken")  # its rest stands too far on

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        if self._closing:
            return
        consumer.incremental_unassign(partitions)
        raise RetryError(f"{self._processor.name}: lost {len(partitions)} partitions to another member")

    def _refuse_in_effect(self) -> None:
        if self._in_effect:
            raise RetryError(f"{self._processor.name}: partitions moved while an effect ran; it will be done again")


def _monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
