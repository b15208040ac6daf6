"""What can be wrong in the log itself: records nobody can use, and records that retention took too early."""

# ruff: noqa: D102 - what act, heal and settle do is said by the fault and by its base class

import threading
import time
from itertools import islice

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.faults.fault import Fault
from bench.faults.poison import poison
from bench.faults.rig import PARTITIONS, Rig
from saltwell.bus.clients import connection, consumer_config, produce, producer_config
from saltwell.contracts.partition import partition_of

_FLUSH_S = 600.0
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
    """Retention takes frames while scorer and sink are down: they are lost, and must be listed as such."""

    kind = "retention truncates"
    victims = frozenset({"score", "episodes"})
    lists = ("log",)
    at_s = (0.2, 0.6)
    for_s = (0.8, 1.5)

    def act(self, rig: Rig) -> None:
        self._members = [rig.fleet.member(worker) for worker in ("score", "episodes")]
        for member in self._members:
            rig.fleet.kill(member, hold=True)

    def heal(self, rig: Rig) -> None:
        partition = TopicPartition(_TRUNCATED, partition_of(rig.robots[0].take.robot, PARTITIONS))
        self.detail["deleted_before"] = _delete_half(rig.bootstrap, partition)
        for member in self._members:
            rig.fleet.release(member)


def _delete_half(bootstrap: str, partition: TopicPartition) -> int:
    """Delete half of what the sink has not read yet; gives the offset before which all is gone."""
    reader = Consumer({**consumer_config(bootstrap, "saltwell.faults"), "log_level": 0})
    try:
        low, high = reader.get_watermark_offsets(partition, timeout=30)
        group = Consumer({**consumer_config(bootstrap, "saltwell.episodes"), "log_level": 0})
        (committed,) = group.committed([partition], timeout=30)
        group.close()
    finally:
        reader.close()
    since = max(low, committed.offset)
    admin = AdminClient(connection(bootstrap))
    before = since + max(1, (high - since) // 2)
    deadline = time.monotonic() + _FLUSH_S
    futures = admin.delete_records([TopicPartition(partition.topic, partition.partition, min(before, high))])
    for future in futures.values():
        future.result(max(0.1, deadline - time.monotonic()))
    return min(before, high)
