"""`saltwell clouds`: clouds of finished episodes for other tools."""

import json
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.errors import StopError
from sinks.clouds.export import export_clouds
from sinks.clouds.files import FORMATS
from sinks.store import open_store


@click.group()
def clouds() -> None:
    """Take clouds out of finished episodes.

    \b
    Example:
      saltwell clouds export ID --stream /torso/points --all --to clouds
    """


@clouds.command()
@click.argument("episode", metavar="ID")
@click.option("--stream", required=True, metavar="NAME", help="Clouds as they came, or .../sampled.")
@click.option(
    "--frame", "frames", multiple=True, type=click.IntRange(0), metavar="N", help="A frame's number; repeatable."
)
@click.option("--all", "every", is_flag=True, help="All frames.")
@click.option("--format", "kind", default="pcd", show_default=True, type=click.Choice(sorted(FORMATS)))
@click.option(
    "--to", "folder", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder; made if absent."
)
@options.store
@options.as_json
def export(  # noqa: PLR0917 - click passes by name
    episode: str,
    stream: str,
    frames: tuple[int, ...],
    every: bool,  # noqa: FBT001 - as above
    kind: str,
    folder: Path,
    store: str,
    as_json: bool,  # noqa: FBT001 - as above
) -> None:
    """Write clouds as PCD or PLY files, with every field of every point.

    \b
    Example:
      saltwell clouds export ID --stream /torso/points/sampled --format ply --frame 12 --to clouds
    """
    if bool(frames) == every:
        raise StopError("say which clouds: --frame N, once or several times, or --all")
    files = export_clouds(
        open_store(store), episode, stream=stream, frames=None if every else frames, kind=kind, folder=folder
    )
    if as_json:
        click.echo(json.dumps({"files": [str(path) for path in files]}, indent=2))
        return
    for path in files:
        click.echo(path)
