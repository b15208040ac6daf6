"""`saltwell catalogue`: make the table of episodes again, and keep it small."""

import json

import click

from saltwell.cli import options
from saltwell.errors import StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.finished import DamagedEpisode
from sinks.store import open_store


@click.group()
def catalogue() -> None:
    """The table of all finished episodes, which `saltwell sink catalogue` keeps.

    \b
    Example:
      saltwell catalogue rebuild --store s3://episodes
    """


@catalogue.command()
@options.store
@options.as_json
def rebuild(store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Make it again from the markers and reviews in the store; exit status 1 when an episode is damaged.

    A sink may run meanwhile; if it commits, this stops and changes nothing.

    \b
    Example:
      saltwell catalogue rebuild
    """
    made, damaged = Catalogue(open_store(store)), list[DamagedEpisode]()
    made.rebuild(damaged.append)
    count = made.episodes.count()
    click.echo(json.dumps({"episodes": count, "damaged": len(damaged)}) if as_json else f"{count} episodes")
    for error in damaged:
        click.echo(f"saltwell: {error}", err=True)
    if damaged:
        raise StopError(f"{len(damaged)} episodes are damaged and not in the catalogue")


@catalogue.command()
@options.store
@options.as_json
def compact(store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Make few files of many, and remove those that no version of the last day needs.

    The sink does it by itself, once an hour.

    \b
    Example:
      saltwell catalogue compact
    """
    kept = Catalogue(open_store(store))
    kept.read()
    before = kept.files()
    kept.compact()
    click.echo(
        json.dumps({"files_before": before, "files": kept.files()})
        if as_json
        else f"{before} files before, {kept.files()} now"
    )
