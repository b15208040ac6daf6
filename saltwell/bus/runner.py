"""The one loop that runs every processor and sink on Kafka."""

import logging
import time
from collections.abc import Callable

from confluent_kafka import KafkaException

from saltwell.bus.processor import Processor
from saltwell.bus.session import Session
from saltwell.contracts.codec import Codec
from saltwell.errors import RetryError

log = logging.getLogger(__name__)

_BACKOFF_S = 1.0


def run(
    processor: Processor,
    codec: Codec,
    *,
    bootstrap: str,
    instance: str,
    stopping: Callable[[], bool],
    on_ready: Callable[[], None],
    on_tick: Callable[[], None],
) -> None:
    """Run sessions until `stopping()`; a session that fails is followed by a new one. Raises StopError."""
    while not stopping():
        session = Session(processor, codec, bootstrap=bootstrap, instance=instance, on_ready=on_ready, on_tick=on_tick)
        graceful = False
        try:
            session.start()
            while not stopping():
                session.turn()
                on_tick()
            graceful = True
        except (RetryError, KafkaException) as error:  # the client raises its own when a broker does not answer
            log.warning("%s: begins again: %s", processor.name, error)
            time.sleep(_BACKOFF_S)
            on_tick()  # a broker that is away is no reason to end the process
        finally:
            session.close(graceful=graceful)
