"""`saltwell topics`: create and list the topics of the table, and say who may use them."""

import json
import os
import time

import click
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from saltwell.bus.clients import connection, metadata
from saltwell.cli import options
from saltwell.cli.grants import grant_role
from saltwell.contracts.access import ROLES
from saltwell.contracts.registry import URL_VARIABLE, register_all
from saltwell.contracts.topics import DEFAULT_PARTITIONS, MAX_RECORD_BYTES, TOPICS, Topic
from saltwell.errors import StopError

_DAY_MS = 24 * 3600 * 1000
_RETENTION = {
    "days": {"cleanup.policy": "delete", "retention.ms": str(2 * _DAY_MS)},
    "weeks": {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)},
    "compact": {"cleanup.policy": "compact"},
}
_ENVELOPE_BYTES = 256 * 1024
_TIMEOUT_S = 30.0
_POLL_S = 0.1


def topic_config(topic: Topic) -> dict[str, str]:
    """Broker settings of a topic.

    A set-aside record holds a whole other record, so it may be a little larger. Records carry the broker's time: by
    the clock of an edge box that is wrong, retention would take them at once, and topics could not be read in step.
    """
    return {
        **_RETENTION[topic.retention],
        "max.message.bytes": str(MAX_RECORD_BYTES + _ENVELOPE_BYTES),
        "message.timestamp.type": "LogAppendTime",
    }


def create_topics(bootstrap: str, *, partitions: int, replication: int) -> list[str]:
    """Create what is missing; gives the names created. With a registry configured, register the schemas too."""
    if url := os.environ.get(URL_VARIABLE):
        register_all(url)
    known = metadata(bootstrap).topics
    wanted = [
        NewTopic(t.name, num_partitions=partitions, replication_factor=replication, config=topic_config(t))
        for t in TOPICS
        if t.name not in known
    ]
    if not wanted:
        return []
    admin = AdminClient(connection(bootstrap))  # kept: its answers end with it
    for name, future in admin.create_topics(wanted, operation_timeout=_TIMEOUT_S).items():
        try:
            future.result(_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StopError(f"topic {name} on {bootstrap}: {error.args[0].str()}") from error
    _await_topics(bootstrap)
    return [t.topic for t in wanted]


def _await_topics(bootstrap: str) -> None:
    """A broker answers before it tells of new topics everywhere; wait until it does."""
    deadline = time.monotonic() + _TIMEOUT_S
    while any(t.name not in (known := metadata(bootstrap).topics) or not known[t.name].partitions for t in TOPICS):
        if time.monotonic() > deadline:
            raise StopError(f"{bootstrap} does not tell of its new topics after {_TIMEOUT_S:.0f} s; look at its log")
        time.sleep(_POLL_S)


@click.group()
def topics() -> None:
    """Create and list the topics, and say who may use them.

    \b
    Example:
      saltwell topics create --bootstrap kafka:9092 --partitions 24 --replication 3
    """


@topics.command()
@options.bootstrap
@click.option("--partitions", default=DEFAULT_PARTITIONS, show_default=True, help="Shards: the bound on parallel work.")
@click.option("--replication", default=1, show_default=True, help="Copies of each partition.")
@options.as_json
def create(bootstrap: str, partitions: int, replication: int, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Create the topics that are missing.

    \b
    Example:
      saltwell topics create
    """
    created = create_topics(bootstrap, partitions=partitions, replication=replication)
    click.echo(
        json.dumps({"created": created}) if as_json else "\n".join(f"created {n}" for n in created) or "all there"
    )


@topics.command()
@options.bootstrap
@options.as_json
def ls(bootstrap: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """List the topics of the table and their partitions on the broker.

    \b
    Example:
      saltwell topics ls
    """
    known = metadata(bootstrap).topics
    rows = [
        {"topic": t.name, "partitions": len(known[t.name].partitions) if t.name in known else 0, "doc": t.doc}
        for t in TOPICS
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['topic']:18} {row['partitions'] or 'missing':>9}  {row['doc']}")


@topics.command()
@click.argument("role", type=click.Choice(list(ROLES)))
@click.option("--to", "principal", required=True, metavar="User:NAME", help="Who gets it.")
@options.bootstrap
def grant(role: str, principal: str, bootstrap: str) -> None:
    """Let an identity do what its ROLE needs, on a broker with an authorizer.

    \b
    Example:
      saltwell topics grant edge --to User:g1-04
    """
    count = grant_role(bootstrap, role=role, principal=principal)
    click.echo(f"{principal} is {role}: {count} entries")
