"""What a group committed last, also where the broker hides it behind a transaction that never ends."""

import logging
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from saltwell.errors import RetryError

log = logging.getLogger(__name__)

ASK_S = 10.0
TRIES = 3
"""A transaction lives for 10 s (`transactional_config`), and the broker looks for old ones every 10 s by default."""


def committed_offsets(
    consumer: Consumer,
    partitions: list[TopicPartition],
    *,
    heedless: Callable[[], Consumer],
    on_tick: Callable[[], None],
) -> list[TopicPartition]:
    """The partitions with their committed offsets and notes.

    A transaction that is not decided hides what was committed, for as long as the broker lets one live. One that hides
    it longer never will be decided: a broker that is killed while it commits may forget to tell the group
    (docs/decisions/021). What was committed before it counts then, asked through `heedless`, a consumer of the same
    group that reads uncommitted too; what the transaction gave is given again.

    Raises RetryError: an error of the client can't be caught behind a callback.
    """
    for _ in range(TRIES):
        try:
            return _asked(consumer, partitions)
        except KafkaException as error:
            log.debug("committed offsets: %s", error)
        on_tick()
    log.warning("a transaction that never ends hides what was committed, or nobody answers")
    other = heedless()
    try:
        return _asked(other, partitions)
    except KafkaException as error:
        raise RetryError(error.args[0].str()) from None
    finally:
        other.close()


def _asked(consumer: Consumer, partitions: list[TopicPartition]) -> list[TopicPartition]:
    offsets: list[TopicPartition] = consumer.committed(partitions, timeout=ASK_S)
    return offsets
