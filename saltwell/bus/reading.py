"""Reads partitions by hand, to where they end now: without a group, committing nothing."""

import time
from collections.abc import Iterable, Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, IsolationLevel, KafkaError, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined] # it is in its documentation

from saltwell.bus.clients import Config, connection, consumer_config
from saltwell.bus.event_time import Headers, event_ms
from saltwell.bus.raw import Raw
from saltwell.errors import RetryError

_POLL_S = 0.2
_PATIENCE_S = 30.0
_ASK_S = 10.0


def reader_config(bootstrap: str) -> Config:
    """A consumer that is told what to read; the group's name is never used."""
    config = {**consumer_config(bootstrap, "saltwell.read"), "group.protocol": "classic"}
    del config["group.remote.assignor"]
    return config


def read_to_end(bootstrap: str, topic: str, partitions: Iterable[int], *, since_ms: int = 0) -> Iterator[Raw]:
    """Every message appended from `since_ms` on, by partition in order. Raises RetryError when no broker answers."""
    consumer = Consumer(reader_config(bootstrap))
    try:
        starts = [TopicPartition(topic, p, since_ms or OFFSET_BEGINNING) for p in partitions]
        consumer.assign(consumer.offsets_for_times(starts, timeout=_PATIENCE_S) if since_ms else starts)
        left = {tp.partition for tp in starts}
        heard_s = time.monotonic()
        while left:
            message = consumer.poll(_POLL_S)
            if message is not None:
                heard_s = time.monotonic()
                yield from _message(message, left)
            elif time.monotonic() - heard_s > _PATIENCE_S:
                raise RetryError(f"{topic} on {bootstrap}: nothing came for {_PATIENCE_S:.0f} s; is the broker there?")
    finally:
        consumer.close()


def log_ends(bootstrap: str, topics: Iterable[str], partition: int) -> dict[str, int]:
    """Where topics end now: the next offset, with what stands before it and is not committed. Raises KafkaException."""
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call] # the client's stubs leave it out
    wanted = {TopicPartition(topic, partition): latest for topic in topics}
    admin = AdminClient(connection(bootstrap))  # kept: its answers end with it
    futures = admin.list_offsets(wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_ASK_S)
    return {tp.topic: future.result(_ASK_S).offset for tp, future in futures.items()}


def raw_of(message: Message) -> Raw:
    """A message without its client."""
    at_ms = message.timestamp()[1]
    return Raw(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        at_ms,
        event_ms(_headers(message), appended_ms=at_ms),
    )


def _headers(message: Message) -> Headers | None:
    """The headers; none where a name among them is no UTF-8, which the client only says by failing itself."""
    try:
        return message.headers()
    except (SystemError, UnicodeDecodeError):
        return None


def _message(message: Message, left: set[int]) -> Iterator[Raw]:
    error = message.error()
    if error is None:
        yield raw_of(message)
    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
        left.discard(message.partition() or 0)
    else:
        raise RetryError(f"{message.topic()}: {error.str()}")
