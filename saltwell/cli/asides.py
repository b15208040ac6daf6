"""What was set aside: records that could not be used (dead) or came after their episode was closed (late)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import click

from saltwell.bus.clients import partition_count
from saltwell.bus.reading import read_to_end
from saltwell.cli import options
from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids
from saltwell.contracts.results import SetAside
from saltwell.errors import SkipRecordError

AsideTopic = Literal["dead", "late"]


@dataclass(frozen=True, slots=True)
class Heap:
    """Records that were set aside for the same reason."""

    robot: str
    episode: str
    topic: str
    stream: str
    reason: str


def read_asides(bootstrap: str, topic: AsideTopic) -> Iterator[SetAside]:
    """All that the topic holds now; what is no aside itself is passed over, and said."""
    codec = Codec(schema_ids())
    for raw in read_to_end(bootstrap, topic, range(partition_count(bootstrap, [topic]))):
        try:
            record = codec.decode(raw.value)
        except SkipRecordError as error:
            click.echo(f"passed over {topic} {raw.partition}@{raw.offset}: {error}", err=True)
            continue
        if isinstance(record, SetAside):
            yield record


def heaps(records: Iterable[SetAside]) -> Counter[Heap]:
    """How many records were set aside, by where they came from and why."""
    return Counter(Heap(r.robot, r.episode, r.topic, r.stream, r.reason) for r in records)


def list_asides(bootstrap: str, topic: AsideTopic, *, as_json: bool) -> None:
    """Print the heaps of a topic, largest first."""
    found = heaps(read_asides(bootstrap, topic)).most_common()
    if as_json:
        names = Heap.__dataclass_fields__
        rows = [{**{name: getattr(heap, name) for name in names}, "records": count} for heap, count in found]
        click.echo(json.dumps(rows, indent=2))
        return
    for heap, count in found:
        where = " ".join(part for part in (heap.episode or heap.robot, heap.topic, heap.stream) if part)
        click.echo(f"{count:7} {where}: {heap.reason}")
    if not found:
        click.echo(f"nothing is {topic}")


@click.group()
def dead() -> None:
    """Records that could not be used.

    \b
    Example:
      saltwell dead ls --json
    """


@dead.command()
@options.bootstrap
@options.as_json
def ls(bootstrap: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Count them by episode, topic, stream and reason.

    \b
    Example:
      saltwell dead ls
    """
    list_asides(bootstrap, "dead", as_json=as_json)
