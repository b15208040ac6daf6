"""`saltwell late`: what came after its episode was closed, and how to make it whole."""

import json
from dataclasses import asdict

import click

from producers.names import usable_name
from producers.outbox import KafkaOutbox
from producers.recover.recovery import Recovery
from saltwell.cli import options
from saltwell.cli.asides import list_asides, read_asides
from saltwell.contracts.codec import Codec
from saltwell.contracts.registry import schema_ids


@click.group()
def late() -> None:
    """Records that came after their episode was closed.

    \b
    Example:
      saltwell late ls
    """


@late.command()
@options.bootstrap
@options.as_json
def ls(bootstrap: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Count them by episode, topic, stream and reason.

    \b
    Example:
      saltwell late ls
    """
    list_asides(bootstrap, "late", as_json=as_json)


@late.command()
@click.argument("episode", metavar="EPISODE")
@click.option("--as", "name", default=None, metavar="ID", help="Name of the new episode; default: EPISODE-r.")
@options.bootstrap
@options.as_json
def recover(episode: str, name: str | None, bootstrap: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Publish EPISODE once more, whole, under a new name: what was in time and what came late.

    The episode that was closed without it stays as it is; the new one names it as its source.

    \b
    Example:
      saltwell late recover 20261124T120000-g1-04-a1b2c3
    """
    codec = Codec(schema_ids())
    new_name = usable_name("episode", name or f"{episode}-r")
    recovery = Recovery(bootstrap, codec, episode, new_name, asides=lambda: read_asides(bootstrap, "late"))
    done = recovery.publish(KafkaOutbox(bootstrap, codec))
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        click.echo(f"{done.episode}  {done.robot}  {done.records} records, {done.late} of them late")
