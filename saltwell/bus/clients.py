"""Kafka clients as Saltwell wants them, and what to say when there is no broker."""

from collections.abc import Collection
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient

from saltwell.bus.security import security_settings
from saltwell.contracts.topics import BY_NAME, MAX_RECORD_BYTES
from saltwell.errors import StopError

_ENVELOPE_BYTES = 64 * 1024
_METADATA_TIMEOUT_S = 10.0
_FIRST_ATTEMPT_S = 1.0  # each is twice as long as the one before; between them the client tells of refusals

_REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)  # noqa: SLF001 - the client's public names for them

Config = dict[str, Any]


def connection(bootstrap: str) -> Config:
    """Where the broker is and how to prove who we are: what every client begins with. Raises StopError."""
    return {"bootstrap.servers": bootstrap, **security_settings()}


def consumer_config(bootstrap: str, group: str) -> Config:
    """A member of a group: co-partitioned, read-committed, bounded, and never silently reset."""
    return {
        **connection(bootstrap),
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
        **connection(bootstrap),
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "queue.buffering.max.kbytes": 64 * 1024,
        "message.max.bytes": MAX_RECORD_BYTES + _ENVELOPE_BYTES,
    }


def metadata(bootstrap: str, *, timeout_s: float = _METADATA_TIMEOUT_S) -> Any:
    """What the broker knows, as far as this identity may see it; StopError when none answers or we are refused."""
    refused: list[str] = []

    def note(error: KafkaError) -> None:
        if error.code() in _REFUSALS:
            refused.append(error.str())

    config: Config = {**connection(bootstrap), "log_level": 0, "error_cb": note}
    client = AdminClient(config)
    left_s, attempt_s = timeout_s, _FIRST_ATTEMPT_S
    while True:
        try:
            return client.list_topics(timeout=min(attempt_s, left_s))
        except KafkaException as error:
            client.poll(0)  # lets it tell of refusals
            if refused:
                raise StopError(
                    f"{bootstrap} and we don't agree on who we are: {refused[-1]}; see docs/security.md"
                ) from error
            left_s, attempt_s = left_s - attempt_s, 2 * attempt_s
            if left_s <= 0:
                raise StopError(
                    f"no Kafka broker answers at {bootstrap}; start one with `saltwell up` or pass --bootstrap"
                ) from error


def partition_count(bootstrap: str, topics: Collection[str] = tuple(BY_NAME)) -> int:
    """How many shards these topics have; StopError when one is missing or hidden from this identity."""
    known = metadata(bootstrap).topics
    missing = [name for name in topics if name not in known]
    if missing:
        raise StopError(
            f"topic missing on {bootstrap}: {', '.join(missing)}; run `saltwell topics create --bootstrap {bootstrap}`"
            ", or grant this identity its role"
        )
    return len(known[next(iter(topics))].partitions)


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
