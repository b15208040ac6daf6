"""Outputs and positions, committed together or not at all."""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from saltwell.bus.clients import produce, transactional_config
from saltwell.bus.event_time import event_time_header
from saltwell.bus.in_time import in_time
from saltwell.bus.processor import Output
from saltwell.contracts.codec import Codec
from saltwell.contracts.trace import trace_header
from saltwell.errors import RetryError
from saltwell.metrics import RECORDS_WRITTEN, TRANSACTIONS

TRANSACTION_S = 10.0

_STUCK: list[Producer] = []
"""Producers with a call that never came back. They are kept: letting go of one would wait for that call too."""


class TransactionalWriter:
    """The producer of one session. Any failure of a transaction is a RetryError: the session is over."""

    def __init__(self, codec: Codec, *, part: str, bootstrap: str, transactional_id: str) -> None:
        self._codec = codec
        self._part = part
        self._producer = Producer(transactional_config(bootstrap, transactional_id))
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether something was written since the last commit."""
        return self._open

    def start(self) -> None:
        """Fence off an earlier life of this instance."""
        self._guard(lambda: self._producer.init_transactions(TRANSACTION_S))

    def write(self, output: Output, *, partition: int, event_ms: int) -> None:
        """Append a record, in the transaction."""
        self._begin()
        produce(
            self._producer,
            output.topic,
            self._codec.encode(output.record),
            key=output.record.robot,
            partition=partition,
            headers=[*event_time_header(event_ms), *trace_header(output.record)],
        )
        RECORDS_WRITTEN.labels(self._part, output.topic).inc()

    def commit(self, offsets: Sequence[TopicPartition], group: Any) -> None:
        """Commit what was written and these offsets; `group` is the consumer's metadata of this moment."""
        self._begin()

        def end() -> None:
            self._producer.flush(TRANSACTION_S)  # measured: without it, sending the offsets waits for linger
            self._send_offsets(offsets, group)
            self._producer.commit_transaction(TRANSACTION_S)

        self._guard(end)
        self._open = False
        TRANSACTIONS.labels(self._part, "committed").inc()

    def abort(self) -> None:
        """Take back what was written since the last commit."""
        if self._open and self._producer not in _STUCK:
            self._guard(lambda: self._producer.abort_transaction(TRANSACTION_S))
            self._open = False

    def _send_offsets(self, offsets: Sequence[TopicPartition], group: Any) -> None:
        """The client does not keep the limit of this call when the coordinator goes (librdkafka#5456): we do."""

        def send() -> None:
            self._producer.send_offsets_to_transaction([*offsets], group, TRANSACTION_S)

        if not in_time(send, limit_s=TRANSACTION_S + 1):
            _STUCK.append(self._producer)
            raise RetryError(f"{self._part}: the client did not come back from sending offsets")

    def _begin(self) -> None:
        if not self._open:
            self._guard(self._producer.begin_transaction)
            self._open = True

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except KafkaException as error:
            TRANSACTIONS.labels(self._part, "failed").inc()
            raise RetryError(f"transaction: {error.args[0].str()}") from error
