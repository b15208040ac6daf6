"""A person's word: made, told to the log, kept in the store."""

from collections.abc import Callable

from confluent_kafka import KafkaError, Producer

from saltwell.bus.clients import partition_count, produce, producer_config
from saltwell.contracts.codec import Codec
from saltwell.contracts.identity import Decision
from saltwell.contracts.partition import partition_of
from saltwell.contracts.results import Review
from saltwell.errors import RetryError, StopError
from sinks.episodes.finished import FinishedEpisode
from sinks.episodes.reviews import all_reviews, put_review, said, standing
from sinks.store import Store

MAX_TEXT = 2000
"""Most letters of a reason or a task."""

MAX_NAME = 100

_TOPIC = "reviews"
_TAKEN_WITHIN_S = 30.0

Say = Callable[[Review], None]


def word_on(
    store: Store, one: FinishedEpisode, *, by: str, at_ns: int, decision: Decision | None, task: str, why: str
) -> Review:
    """What a person says of an episode. The latest word counts whole: what it leaves open is taken from the one before.

    Raises StopError for a reject without a reason, for nothing said, and for texts without measure.
    """
    if decision == "reject" and not why:
        raise StopError("a reject needs a reason: say --why")
    if decision is None and not task:
        raise StopError("say --accept, --reject or --task")
    for text, most in ((by, MAX_NAME), (why, MAX_TEXT), (task, MAX_TEXT)):
        if len(text) > most:
            raise StopError(f"{text[:40]!a}... has {len(text)} letters; {most} at most")
    if not by.strip():
        raise StopError("say who you are: --by NAME")
    before = said(standing(all_reviews(store, episode=one.manifest.episode)).get(one.manifest.episode))
    return Review(
        site=one.manifest.site,
        robot=one.manifest.robot,
        episode=one.manifest.episode,
        reviewer=by,
        reviewed_ns=at_ns,
        decision=decision or before.decision,
        task=task or before.task,
        note=why,
    )


def speaker(bootstrap: str, codec: Codec, store: Store) -> Say:
    """Gives what tells the log of a word, waits until that has it, and keeps it in the store.

    In this order: who follows the log keeps it as well (`saltwell sink catalogue`), so a word that the log has is not
    lost. Raises StopError when no broker answers.
    """
    shards = partition_count(bootstrap, [_TOPIC])

    def say(review: Review) -> None:
        producer = Producer({**producer_config(bootstrap), "enable.idempotence": False})  # told twice is one word
        refused: list[KafkaError] = []

        def told(error: KafkaError | None, _: object) -> None:
            refused.extend([error] if error else [])

        partition = partition_of(review.robot, shards)
        produce(producer, _TOPIC, codec.encode(review), key=review.robot, partition=partition, on_delivery=told)
        if producer.flush(_TAKEN_WITHIN_S) or refused:
            why = refused[0].str() if refused else f"no answer for {_TAKEN_WITHIN_S:.0f} s"
            raise RetryError(f"the log did not take the word on {review.episode}: {why}; say it again")
        put_review(store, review)

    return say
