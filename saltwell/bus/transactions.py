"""Outputs and positions, committed together or not at all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException, Producer, TopicPartition

from saltwell.bus.clients import produce, transactional_config
from saltwell.bus.event_time import event_time_header
from saltwell.bus.in_time import in_time
from saltwell.bus.processor import Output
from saltwell.contracts.codec import Codec
from saltwell.contracts.topics import key_of
from saltwell.contracts.trace import trace_header
from saltwell.errors import RetryError
from saltwell.metrics import RECORDS_WRITTEN, TRANSACTIONS

TRANSACTION_S = 10.0

_STUCK: list[Producer] = []
"""Producers with a call that never came back. They are kept: letting go of one would wait for that call too."""


@dataclass(frozen=True, slots=True)
class _Written:
    """A record that waits for the commit."""

    topic: str
    value: bytes
    key: str
    partition: int
    headers: list[tuple[str, bytes]]


class TransactionalWriter:
    """The producer of one session. Any failure of a transaction is a RetryError: the session is over.

    A transaction is open only while it is committed: what was written waits until then. The broker would abort one
    that was begun with the first output when work outside the log (an upload) took longer than its limit.
    """

    def __init__(self, codec: Codec, *, part: str, bootstrap: str, transactional_id: str) -> None:
        self._codec = codec
        self._part = part
        self._producer = Producer(transactional_config(bootstrap, transactional_id))
        self._written: list[_Written] = []
        self._open = False

    @property
    def has_written(self) -> bool:
        """Whether something was written since the last commit."""
        return bool(self._written)

    def start(self) -> None:
        """Fence off an earlier life of this instance."""
        self._guard(lambda: self._producer.init_transactions(TRANSACTION_S))

    def write(self, output: Output, *, partition: int, event_ms: int) -> None:
        """Append a record, with the next commit."""
        headers = [*event_time_header(event_ms), *trace_header(output.record)]
        value = self._codec.encode(output.record)
        key = key_of(output.topic, output.record)
        self._written.append(_Written(output.topic, value, key, partition, headers))

    def commit(self, offsets: Sequence[TopicPartition], group: Any) -> None:
        """Commit what was written and these offsets; `group` is the consumer's metadata of this moment."""
        self._guard(self._producer.begin_transaction)
        self._open = True

        def end() -> None:
            for one in self._written:
                produce(self._producer, one.topic, one.value, key=one.key, partition=one.partition, headers=one.headers)
            self._producer.flush(TRANSACTION_S)  # measured: without it, sending the offsets waits for linger
            self._send_offsets(offsets, group)
            self._producer.commit_transaction(TRANSACTION_S)

        self._guard(end)
        for one in self._written:
            RECORDS_WRITTEN.labels(self._part, one.topic).inc()
        self._written, self._open = [], False
        TRANSACTIONS.labels(self._part, "committed").inc()

    def abort(self) -> None:
        """Take back what was written since the last commit."""
        self._written = []
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

    def _guard(self, act: Callable[[], None]) -> None:
        try:
            act()
        except KafkaException as error:
            TRANSACTIONS.labels(self._part, "failed").inc()
            raise RetryError(f"transaction: {error.args[0].str()}") from error
