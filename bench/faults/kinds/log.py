"""What can be wrong in the log itself: records nobody can use, and records that retention took too early."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

import threading
import time
from itertools import islice

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.faults.fault import Fault
from bench.faults.poison import poison
from bench.faults.rig import PARTITIONS, Rig
from bench.faults.watch import reader
from saltwell.bus.clients import connection, consumer_config, produce, producer_config
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import SkipRecordError

_FLUSH_S = 600.0
_ASK_S = 30.0
_SENT_S = 120.0
_PAUSE_S = 0.2
_SMALL = 2_000  # bytes: no image is so small
_TRUNCATED = "frames.color"


class PoisonRecords(Fault):
    """Malformed records into every topic that a part reads, among the good ones."""

    kind = "poison"
    victims = frozenset({"log"})

    def act(self, rig: Rig) -> None:
        """In the background: the pipeline must not wait for it, and neither must the schedule."""
        self._thread = threading.Thread(target=self._send, args=(rig,), daemon=True)
        self._thread.start()

    def settle(self, rig: Rig) -> list[str]:
        self._thread.join(_FLUSH_S)
        self.detail["records"] = rig.poison
        return ["poison was still being sent when the round was over"] if self._thread.is_alive() else []

    def _send(self, rig: Rig) -> None:
        producer = Producer(producer_config(rig.bootstrap))
        for topic, value in islice(poison(self.rng, rig.codec), rig.poison):
            partition = self.rng.randrange(PARTITIONS)
            produce(producer, topic, value, key="poison", partition=partition)  # type: ignore[arg-type] # None is poison
        producer.flush(_FLUSH_S)


class Truncation(Fault):
    """Retention takes frames while scorer and sink are down: they are lost, and must be listed as such.

    Either half of what they need, up to the end of a stream, or all of it once the episode is over: the end of the
    stream is gone then, too.
    """

    kind = "retention truncates"
    targets = ("frames", "frames and ends")
    victims = frozenset({"score", "episodes"})
    lists = ("log",)
    at_s = (0.2, 0.6)
    for_s = (0.8, 1.5)

    def act(self, rig: Rig) -> None:
        self._members = [rig.fleet.member(worker) for worker in ("score", "episodes")]
        for member in self._members:
            rig.fleet.kill(member, hold=True)

    def heal(self, rig: Rig) -> None:
        robot = rig.robots[0]
        partition = TopicPartition(_TRUNCATED, partition_of(robot.take.robot, PARTITIONS))
        if self.target == "frames":
            before = _middle(rig, partition)
        else:
            robot.wait(within_s=_SENT_S)
            before = _end(rig, partition)
        admin = AdminClient(connection(rig.bootstrap))
        for future in admin.delete_records([TopicPartition(_TRUNCATED, partition.partition, before)]).values():
            future.result(_ASK_S)
        self.detail["deleted_before"] = before
        for member in self._members:
            rig.fleet.release(member)


def _middle(rig: Rig, partition: TopicPartition) -> int:
    """The middle of what the sink has not settled, or the first end of a stream in it."""
    settled = Consumer({**consumer_config(rig.bootstrap, "saltwell.episodes"), "log_level": 0})
    hand = reader(rig.bootstrap)
    try:
        low, high = _watermarks(hand, partition)
        since = max(low, settled.committed([partition], timeout=_ASK_S)[0].offset)
        half = since + (high - since) // 2
        return _first_end(hand, TopicPartition(partition.topic, partition.partition, since), half, rig.codec)
    finally:
        hand.close()
        settled.close()


def _end(rig: Rig, partition: TopicPartition) -> int:
    hand = reader(rig.bootstrap)
    try:
        return _watermarks(hand, partition)[1]
    finally:
        hand.close()


def _watermarks(hand: Consumer, partition: TopicPartition) -> tuple[int, int]:
    """First offset of a partition, and the next one; a broker that just came back is asked again."""
    deadline = time.monotonic() + _ASK_S
    while True:
        try:
            low, high = hand.get_watermark_offsets(partition, timeout=_ASK_S)
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_S)
        else:
            return low, high


def _first_end(hand: Consumer, start: TopicPartition, limit: int, codec: Codec) -> int:
    """Offset of the first end of a stream from `start` on, or `limit`."""
    hand.assign([start])
    deadline = time.monotonic() + _ASK_S
    while time.monotonic() < deadline:
        message = hand.poll(1.0)
        if message is None or message.error() is not None:
            continue
        offset = message.offset() or 0
        if offset >= limit or (len(message.value() or b"") < _SMALL and _is_end(message.value(), codec)):
            return min(offset, limit)
    return start.offset


def _is_end(value: bytes | None, codec: Codec) -> bool:
    try:
        return isinstance(codec.decode(value), StreamEnded)
    except SkipRecordError:
        return False
