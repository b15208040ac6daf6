"""The way from the spool to Kafka: waits for the broker as long as it takes, in bounded memory."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from confluent_kafka import KafkaError, Producer

from saltwell.bus.clients import metadata, partition_count, producer_config
from saltwell.contracts.access import ROLES
from saltwell.contracts.partition import partition_of
from saltwell.errors import RetryError

_log = logging.getLogger(__name__)
_PROBE_S = 2.0


class LinkBroken(RetryError):
    """A producer that can't be used any more: take another, and send again what was not acknowledged."""


class Link(Protocol):
    """Takes records, and says when the broker has them."""

    def produce(self, topic: str, robot: str, value: bytes, on_acknowledged: Callable[[], None]) -> bool:
        """Take a record; False when nothing more fits now. Calls back from within `poll`."""

    def poll(self, timeout_s: float) -> None:
        """Let acknowledgements come in; LinkBroken when a record can't be delivered in order any more."""

    def close(self) -> None:
        """Give up what was not acknowledged."""


class KafkaLink:
    """An idempotent producer without expiry: what it was given arrives in order, or the link breaks."""

    def __init__(self, bootstrap: str) -> None:
        """Raises StopError while there is no broker, or it has not our topics."""
        metadata(bootstrap, timeout_s=_PROBE_S)  # gives up sooner than the count would
        self._bootstrap = bootstrap
        self._partitions = partition_count(bootstrap, ROLES["edge"].writes)
        self._broken: KafkaError | None = None
        self._is_silent = False
        self._producer = Producer(
            {
                **producer_config(bootstrap),
                "message.timeout.ms": 0,
                "enable.gapless.guarantee": True,
                "log_level": 0,
                "error_cb": self._on_error,
            }
        )

    def produce(self, topic: str, robot: str, value: bytes, on_acknowledged: Callable[[], None]) -> bool:
        """Take a record for the robot's partition; False when the queue is full."""

        def delivered(error: KafkaError | None, _: object) -> None:
            if error is not None:
                self._broken = self._broken or error
                return
            self._heard()
            on_acknowledged()

        partition = partition_of(robot, self._partitions)
        try:
            self._producer.produce(topic, value, key=robot, partition=partition, on_delivery=delivered)
        except BufferError:
            return False
        return True

    def poll(self, timeout_s: float) -> None:
        """Let acknowledgements come in; LinkBroken when a record was refused."""
        self._producer.poll(timeout_s)
        if self._broken is not None:
            raise LinkBroken(f"{self._bootstrap} does not take a record: {self._broken.str()}; it is sent again")

    def close(self) -> None:
        """Give up what was not acknowledged."""
        self._producer.purge()
        self._producer.flush(0)

    def _heard(self) -> None:
        if self._is_silent:
            self._is_silent = False
            _log.info("%s answers again", self._bootstrap)

    def _on_error(self, error: Any) -> None:
        if error.fatal():
            self._broken = self._broken or error
        elif not self._is_silent:
            self._is_silent = True
            _log.warning("%s: %s; recording goes on, records wait in the spool", self._bootstrap, error.str())
