"""`saltwell watch`: verdicts as they are given."""

import json
import signal
import threading
from collections.abc import Callable, Iterator

import click
from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from saltwell.bus.clients import partition_count
from saltwell.bus.reading import reader_config
from saltwell.cli import options
from saltwell.contracts.codec import Codec
from saltwell.contracts.partition import partition_of
from saltwell.contracts.registry import schema_ids
from saltwell.contracts.results import Verdict
from saltwell.errors import SkipRecordError
from saltwell.watch.board import Board
from saltwell.watch.server import serve_verdicts
from saltwell.watch.wording import verdict_lines, verdict_object

_POLL_S = 0.2
_COLORS = {"accept": "green", "review": "yellow", "reject": "red"}


@click.command()
@click.option("--robot", default=None, metavar="ID", help="Only this robot's; default: all.")
@click.option("--serve", default=None, type=options.PORT, metavar="PORT", help="Also serve a page; 0 = a free port.")
@options.bootstrap
@options.as_json
def watch(robot: str | None, serve: int | None, bootstrap: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Show verdicts the moment they are given, until Ctrl-C.

    With --serve, / is a page for a screen beside the robot, and /verdicts the same as server-sent events; both take
    ?robot=ID.

    \b
    Example:
      saltwell watch --robot g1-04
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    board = Board()
    if serve is not None:
        click.echo(f"verdicts on http://127.0.0.1:{serve_verdicts(board, serve)}/", err=True)
    for verdict in verdicts(bootstrap, robot, stopping=stop.is_set):
        board.post(verdict)
        if as_json:
            click.echo(json.dumps(verdict_object(verdict)))
        else:
            head, *reasons = verdict_lines(verdict)
            click.echo("\n".join([click.style(head, fg=_COLORS[verdict.decision], bold=True), *reasons]))


def verdicts(bootstrap: str, robot: str | None, *, stopping: Callable[[], bool]) -> Iterator[Verdict]:
    """Verdicts given from now on, of one robot or of all."""
    count = partition_count(bootstrap, ("verdicts",))
    shards = range(count) if robot is None else [partition_of(robot, count)]
    codec = Codec(schema_ids())
    consumer = Consumer(reader_config(bootstrap))
    consumer.assign([TopicPartition("verdicts", shard, OFFSET_END) for shard in shards])
    try:
        while not stopping():
            message = consumer.poll(_POLL_S)
            if message is None or message.error() is not None:
                continue
            try:
                record = codec.decode(message.value())
            except SkipRecordError as error:
                click.echo(f"passed over: {error}", err=True)
                continue
            if isinstance(record, Verdict) and robot in {None, record.robot}:
                yield record
    finally:
        consumer.close()
