"""Kafka clients as Saltwell wants them, and what to say when there is no broker."""

from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from saltwell.contracts.topics import MAX_RECORD_BYTES, TOPICS
from saltwell.errors import StopError

_ENVELOPE_BYTES = 64 * 1024
_METADATA_TIMEOUT_S = 10.0

Config = dict[str, Any]


def consumer_config(bootstrap: str, group: str) -> Config:
    """A member of a group: co-partitioned, read-committed, bounded, and never silently reset."""
    return {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "group.protocol": "consumer",
        "group.remote.assignor": "range",  # the default, uniform, does not keep the partitions of a shard together
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",  # a silent reset is a silent loss
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": 64 * 1024,
        "fetch.queue.backoff.ms": 20,  # the default of 1,000 stalls large messages
        "fetch.wait.max.ms": 100,
    }


def transactional_config(bootstrap: str, transactional_id: str) -> Config:
    """A producer whose outputs and offsets are committed together."""
    return {
        **producer_config(bootstrap),
        "transactional.id": transactional_id,
        # A crashed process's open transaction hides newer output from readers until then.
        "transaction.timeout.ms": 10_000,
        "message.timeout.ms": 10_000,
    }


def producer_config(bootstrap: str) -> Config:
    """An idempotent producer with a bounded queue."""
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "queue.buffering.max.kbytes": 64 * 1024,
        "message.max.bytes": MAX_RECORD_BYTES + _ENVELOPE_BYTES,
    }


def metadata(bootstrap: str, *, timeout_s: float = _METADATA_TIMEOUT_S) -> Any:
    """What the broker knows; StopError when nothing answers."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        return client.list_topics(timeout=timeout_s)
    except KafkaException as error:
        raise StopError(
            f"no Kafka broker answers at {bootstrap}; start one with `saltwell up` or pass --bootstrap"
        ) from error


def partition_count(bootstrap: str) -> int:
    """How many shards the topics have; StopError when topics are missing."""
    known = metadata(bootstrap).topics
    missing = [topic.name for topic in TOPICS if topic.name not in known]
    if missing:
        raise StopError(
            f"topic missing on {bootstrap}: {', '.join(missing)}; run `saltwell topics create --bootstrap {bootstrap}`"
        )
    return len(known["timeline"].partitions)


def produce(producer: Producer, topic: str, value: bytes, *, key: str, partition: int, **more: Any) -> None:
    """Hand a message to the producer; when its queue is full, wait until the broker has taken some."""
    while True:
        try:
            producer.produce(topic, value, key=key, partition=partition, **more)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return
