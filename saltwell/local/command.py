"""`saltwell demo` and `saltwell up`."""

import json
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import click

from saltwell.cli import options
from saltwell.cli.topics import create_topics
from saltwell.contracts.topics import DEFAULT_PARTITIONS
from saltwell.errors import StopError
from saltwell.local.broker import EmbeddedBroker
from saltwell.local.demo import Plan, run_demo
from saltwell.local.stack import Stack

_SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "sort_parts.mcap"
_UP_PORT = 19092
_WATCH_S = 0.5


@click.command()
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Play this; repeatable.",
)
@click.option("--robots", default=1, show_default=True, type=click.IntRange(1, 100), help="Play as so many robots.")
@click.option(
    "--speed", default="max", show_default=True, type=click.Choice(["1", "max"]), help="As recorded, or flat out."
)
@options.store
@options.as_json
def demo(recordings: tuple[Path, ...], robots: int, speed: str, store: str, as_json: bool) -> None:  # noqa: FBT001
    """Run the whole pipeline once on this machine and show what came out.

    \b
    Example:
      saltwell demo --recording my_take.mcap --robots 2 --speed 1
    """
    files = recordings or (_SAMPLE,)
    for path in files:
        if not path.exists():
            raise StopError(f"{path}: no such file; pass --recording FILE")
    plan = Plan(files, "robot-1" if robots == 1 else "robot", robots, speed)

    def tell(text: str) -> None:
        click.echo(text, err=True)

    with tempfile.TemporaryDirectory(prefix="saltwell-demo-") as scratch:
        tell("starting Kafka")
        with EmbeddedBroker() as broker:
            create_topics(broker.bootstrap, partitions=DEFAULT_PARTITIONS, replication=1)
            report = run_demo(plan, bootstrap=broker.bootstrap, store=store, logs=Path(scratch), tell=tell)
    click.echo(json.dumps(report, indent=2) if as_json else describe(report))


@click.command()
@options.store
@click.option(
    "--data",
    default="saltwell-data",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the broker's data and the logs.",
)
@click.option(
    "--port", default=_UP_PORT, show_default=True, type=options.PORT, help="Port of the broker; 0 = a free one."
)
@click.option(
    "--brokers", default=1, show_default=True, type=click.IntRange(1, 3), help="With three, one of them may be lost."
)
def up(store: str, data: Path, port: int, brokers: int) -> None:
    """Run broker, processors and sink until Ctrl-C.

    \b
    Example:
      saltwell up --store s3://episodes
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    kafka = data / (
        "kafka" if brokers == 1 else f"kafka-{brokers}"
    )  # a cluster does not grow: each size has its own data
    with EmbeddedBroker(kafka, port=port, brokers=brokers) as broker:
        create_topics(broker.bootstrap, partitions=DEFAULT_PARTITIONS, replication=broker.copies)
        stack = Stack(data / "logs", bootstrap=broker.bootstrap, store=store)
        try:
            stack.start()
            click.echo(f"broker  {broker.bootstrap}\nstore   {store}\nlogs    {data / 'logs'}", err=True)
            for name in stack.workers:
                click.echo(f"{name:12} http://127.0.0.1:{stack.metrics_port(name)}/metrics", err=True)
            click.echo(f"play a recording: saltwell replay FILE --robot ID --bootstrap {broker.bootstrap}", err=True)
            while not stop.wait(_WATCH_S):
                stack.check()
        finally:
            stack.stop()


def describe(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = []
    for episode in report["episodes"]:
        lines += [
            f"episode {episode['id']}",
            f"  task      {episode['task']}",
            f"  verdict   {episode['decision']}: {_why(episode['reasons'])}",
        ]
        lines += [f"  steps     {episode['steps']}", f"  at        {episode['uri']}"]
        lines.append(f"  {'stream':24} {'sent':>7} {'written':>7} {'lost':>5} {'dup':>4} {'dead':>4}  skew p50/p99 ms")
        lines += [
            _stream_line(name, ledger, episode["skew_ns"].get(name)) for name, ledger in episode["streams"].items()
        ]
    lines.append(
        f"{report['station_seconds']:.1f} station-seconds in {report['wall_s']:.1f} s; stop to verdict "
        f"{report['stop_to_verdict_s']:.2f} s, stop to stored {report['stop_to_stored_s']:.2f} s"
    )
    return "\n".join(lines)


def _why(reasons: list[dict[str, str]]) -> str:
    """What speaks against an episode; notes change no decision and stand apart."""
    against = [_reason(r) for r in reasons if r["severity"] != "note"]
    notes = [_reason(r) for r in reasons if r["severity"] == "note"]
    said = ", ".join(against) or "nothing against it"
    return f"{said}; notes: {', '.join(notes)}" if notes else said


def _reason(reason: dict[str, str]) -> str:
    return f"{reason['code']} {reason['stream']}".strip()


def _stream_line(name: str, ledger: dict[str, int], skew: dict[str, float] | None) -> str:
    counts = f"{ledger['sent']:7} {ledger['written']:7} {ledger['lost']:5} {ledger['duplicates']:4} {ledger['dead']:4}"
    shown = f"{skew['p50'] / 1e6:8.2f} /{skew['p99'] / 1e6:7.2f}" if skew else ""
    return f"  {name:24} {counts}  {shown}"
