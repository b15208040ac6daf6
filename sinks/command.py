"""`saltwell sink`: one process that writes to object storage."""

import tempfile
from pathlib import Path
from typing import Unpack

import click

from saltwell.bus.worker import work
from saltwell.cli import options


@click.group()
def sink() -> None:
    """Run a sink until Ctrl-C; start several to share the work.

    \b
    Example:
      saltwell sink episodes --store s3://episodes
    """


@sink.command()
@options.worker
@options.store
@click.option(
    "--scratch",
    default=None,
    type=click.Path(path_type=Path),
    help="Local folder for unfinished episodes; default: temporary.",
)
def episodes(store: str, scratch: Path | None, **where: Unpack[options.Where]) -> None:
    """Write finished episodes: MCAP, manifest, marker.

    \b
    Example:
      saltwell sink episodes --store s3://episodes --bootstrap kafka:9092
    """
    from sinks.episodes.processor import Episodes  # noqa: PLC0415 - --help needs no store
    from sinks.store import open_store  # noqa: PLC0415 - as above

    opened = open_store(store, create=True)
    opened.check()
    folder = scratch or Path(tempfile.gettempdir())
    work(lambda: Episodes(opened, folder), **where)
