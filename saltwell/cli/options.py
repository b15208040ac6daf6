"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

import click

DEFAULT_BOOTSTRAP = "127.0.0.1:19092"
DEFAULT_STORE = "saltwell-data/store"

bootstrap = click.option(
    "--bootstrap",
    default=DEFAULT_BOOTSTRAP,
    show_default=True,
    envvar="SALTWELL_BOOTSTRAP",
    metavar="HOST:PORT",
    help="Kafka broker.",
)
store = click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    envvar="SALTWELL_STORE",
    metavar="URL",
    help="Folder, file:// or s3:// URL of the episode store.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on standard output.")
PORT = click.IntRange(0, 65535)
metrics_port = click.option(
    "--metrics-port", default=0, show_default=True, type=PORT, help="Port of /metrics and /healthz; 0 = a free one."
)
instance = click.option(
    "--instance", default=None, help="Name of this replica, unique among its kind; default: the host's name."
)
ready_file = click.option(
    "--ready-file",
    type=click.Path(path_type=Path),
    default=None,
    help="Written once the loop takes part: PID and metrics port.",
)


class Where(TypedDict):
    """What every long-running process is told."""

    bootstrap: str
    metrics_port: int
    instance: str | None
    ready_file: Path | None


def worker(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a long-running process; they arrive as the keywords of `Where`."""
    for option in (ready_file, instance, metrics_port, bootstrap):
        command = option(command)
    return command
