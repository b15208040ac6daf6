"""Reads topics from positions of the reader's choice, and on: without a group, committing nothing."""

from collections.abc import Collection, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from saltwell.bus.clients import partition_count
from saltwell.bus.raw import Raw
from saltwell.bus.reading import raw_of, reader_config
from saltwell.errors import RetryError

Place = tuple[str, int]
"""A topic's partition."""

_PATIENCE_S = 10.0


class Follower:
    """Follows topics from the next offsets given; a partition without one from its beginning."""

    def __init__(self, bootstrap: str, topics: Collection[str], positions: Mapping[Place, int]) -> None:
        """Raises StopError when no broker answers or a topic is missing."""
        shards = range(partition_count(bootstrap, topics))
        self._consumer = Consumer(reader_config(bootstrap))
        self._consumer.assign(
            [TopicPartition(topic, p, positions.get((topic, p), OFFSET_BEGINNING)) for topic in topics for p in shards]
        )

    def take(self, timeout_s: float) -> Raw | None:
        """The next message, if one comes. Raises RetryError when the log can't be read on: follow it anew."""
        message = self._consumer.poll(timeout_s)
        if message is None:
            return None
        if message.error() is None:
            return raw_of(message)
        _refuse(message)
        return None

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()


def ends_of(bootstrap: str, topic: str) -> dict[Place, int]:
    """Where a topic ends now: the next offset of each partition. Raises RetryError or StopError."""
    shards = range(partition_count(bootstrap, [topic]))
    consumer = Consumer(reader_config(bootstrap))
    try:
        places = [TopicPartition(topic, p) for p in shards]
        return {(topic, tp.partition): consumer.get_watermark_offsets(tp, _PATIENCE_S)[1] for tp in places}
    except KafkaException as error:
        raise RetryError(f"{topic} on {bootstrap}: {error.args[0].str()}") from error
    finally:
        consumer.close()


def _refuse(message: Message) -> None:
    """RetryError unless it only says that there is nothing more for now."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
        raise RetryError(f"{message.topic()} {message.partition()}: {error.str()}")
