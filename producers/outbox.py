"""Records to Kafka: idempotent, bounded, with a word back for each one that was not taken."""

from typing import Any

from confluent_kafka import KafkaError, Producer

from producers.publisher import Lost
from saltwell.bus.clients import partition_count, produce, producer_config
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.contracts.topics import FRAME_TOPICS, MAX_RECORD_BYTES
from saltwell.contracts.trace import trace_header
from saltwell.errors import RetryError

_FLUSH_S = 300.0


class KafkaOutbox:
    """Sends records of any robot to its partition. Not for several threads."""

    def __init__(self, bootstrap: str, codec: Codec) -> None:
        self._partitions = partition_count(bootstrap, (*FRAME_TOPICS, "timeline"))
        self._producer = Producer(producer_config(bootstrap))
        self._codec = codec

    def send(self, topic: str, record: Any, *, on_lost: Lost | None = None) -> int:
        """Queue a record; gives its size. One over the limit is not sent."""
        value = self._codec.encode(record)
        if len(value) > MAX_RECORD_BYTES:
            return len(value)

        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None and on_lost is not None:
                on_lost("undelivered")

        partition = partition_of(record.robot, self._partitions)
        headers = trace_header(record)
        produce(
            self._producer, topic, value, key=record.robot, partition=partition, headers=headers, on_delivery=delivered
        )
        return len(value)

    def flush(self) -> None:
        """Wait until every queued record was taken or given up; RetryError when the broker does not come back."""
        if left := self._producer.flush(_FLUSH_S):
            raise RetryError(
                f"the broker did not take {left} records in {_FLUSH_S:.0f} s; replay again when it is back"
            )
