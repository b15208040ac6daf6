"""Least privilege, on a real broker: each role can do its work and nothing else."""

import time

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from saltwell.bus.clients import Config, consumer_config, metadata, producer_config, transactional_config
from saltwell.contracts.access import ROLES, group_of
from saltwell.contracts.topics import BY_NAME, FRAME_TOPICS

DEADLINE_S = 150
DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED
PARTS = [name for name, role in ROLES.items() if role.part]


@pytest.fixture
def become(secured, monkeypatch):
    """Gives the bootstrap address; from then on every client of this test is that identity."""

    def change(name: str, role: str) -> str:
        for variable, value in secured.with_password(name, role).items():
            monkeypatch.setenv(variable, value)
        return secured.scram

    return change


def written(bootstrap: str, *, idempotent: bool) -> set[str]:
    """Topics that take a record."""
    taken: set[str] = set()
    refused: dict[str, int] = {}

    def told(error: KafkaError | None, message: Message) -> None:
        if error is None:
            taken.add(message.topic())
        else:
            refused[message.topic()] = error.code()

    producer = Producer(producer_config(bootstrap) | {"log_level": 0, "enable.idempotence": idempotent})
    for topic in BY_NAME:
        producer.produce(topic, b"not a record", key="nobody", partition=0, on_delivery=told)
    assert producer.flush(DEADLINE_S) == 0
    assert set(refused.values()) <= {DENIED}, refused
    return taken


def read(bootstrap: str) -> set[str]:
    """Topics whose records can be read. One that can't even be seen can't be read: Read implies Describe."""
    visible = set(metadata(bootstrap).topics) & set(BY_NAME)
    config: Config = {**consumer_config(bootstrap, "nobody"), "group.protocol": "classic", "log_level": 0}
    del config["group.remote.assignor"]
    answers: dict[str, int | None] = {}  # a record or the end of the partition: None; a refusal: its code
    consumer = Consumer(config)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in visible])
    deadline = time.monotonic() + DEADLINE_S
    while len(answers) < len(visible) and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is not None and message.topic():
            error = message.error()
            at_end = error is not None and error.code() == KafkaError._PARTITION_EOF
            answers.setdefault(message.topic(), None if error is None or at_end else error.code())
    consumer.close()
    assert answers.keys() == visible, f"no answer about {visible - answers.keys()}"
    assert set(answers.values()) <= {None, DENIED}
    return {topic for topic, refusal in answers.items() if refusal is None}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_writes_its_topics_and_no_other(become, role):
    topics = set(ROLES[role].writes)  # a broker gives no producer id to whoever may write nothing
    assert written(become(f"{role}-writes", role), idempotent=bool(topics)) == topics


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reads_its_topics_and_no_other(become, role):
    assert read(become(f"{role}-reads", role)) == set(ROLES[role].reads)


def test_a_station_writes_frames_and_timeline_reads_nothing_and_gives_no_verdict():
    assert set(ROLES["edge"].writes) == {*FRAME_TOPICS, "timeline"}
    assert ROLES["edge"].reads == ()


@pytest.mark.parametrize("role", PARTS)
def test_a_part_joins_its_own_group_and_runs_its_own_transactions(become, role):
    bootstrap = become(f"{role}-joins", role)
    producer = Producer(transactional_config(bootstrap, f"{group_of(role)}.{role}-1"))
    producer.init_transactions(DEADLINE_S)
    consumer = Consumer(consumer_config(bootstrap, group_of(role)))
    consumer.subscribe(list(ROLES[role].reads))
    deadline = time.monotonic() + DEADLINE_S
    while not consumer.assignment() and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        assert message is None or message.error().code() in {
            KafkaError._AUTO_OFFSET_RESET,
            KafkaError._PARTITION_EOF,
        }, message.error()
    assigned = consumer.assignment()
    consumer.close()
    assert {tp.topic for tp in assigned} == set(ROLES[role].reads)


@pytest.mark.parametrize("role", ROLES)
def test_nobody_takes_anothers_transactional_id_or_group(become, role):
    bootstrap = become(f"{role}-takes", role)
    for other in set(PARTS) - {role}:
        producer = Producer(transactional_config(bootstrap, f"{group_of(other)}.x") | {"log_level": 0})
        with pytest.raises(KafkaException) as refused:
            producer.init_transactions(DEADLINE_S)
        assert refused.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    refusals = [refusal(bootstrap, group_of(other)) for other in set(PARTS) - {role}]
    assert set(refusals) == {KafkaError.GROUP_AUTHORIZATION_FAILED}


def refusal(bootstrap: str, group: str) -> int | None:
    """Why we can't be a member of this group."""
    consumer = Consumer(consumer_config(bootstrap, group) | {"log_level": 0})
    consumer.subscribe(["timeline"])
    message = consumer.poll(DEADLINE_S)
    consumer.close()
    return None if message is None or message.error() is None else int(message.error().code())


@pytest.mark.parametrize("role", ROLES)
def test_nobody_makes_topics(become, role):
    bootstrap = become(f"{role}-makes", role)
    admin = AdminClient(producer_config(bootstrap) | {"log_level": 0})
    [future] = admin.create_topics([NewTopic(f"of-{role}", 1, 1)]).values()
    with pytest.raises(KafkaException) as refused:
        future.result(DEADLINE_S)
    assert refused.value.args[0].code() == DENIED
