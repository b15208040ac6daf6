"""`saltwell episodes`: finished episodes of a store, for people and programs."""

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict

import click

from saltwell.cli import options
from saltwell.errors import StopError
from saltwell.report import episode_object
from sinks.episodes.finished import DamagedEpisode, FinishedEpisode, announcement, list_episodes, load_episode
from sinks.episodes.tables import episode_page, episode_table, report_page
from sinks.episodes.verify import verify
from sinks.store import Store, open_store

_READ_AT_ONCE = 8


@click.group()
def episodes() -> None:
    """List, show and verify finished episodes.

    \b
    Example:
      saltwell episodes ls --store s3://episodes
    """


@episodes.command("ls")
@options.store
@options.as_json
def list_command(store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """List the finished episodes.

    \b
    Example:
      saltwell episodes ls --json
    """
    found, damaged = _load_all(open_store(store))
    if as_json:
        objects = [episode_object(announcement(one)) for one in found]
        click.echo(json.dumps(objects, indent=2))
    else:
        click.echo(episode_table(found) if found else f"no finished episodes in {store}")
    for error in damaged:
        click.echo(f"saltwell: {error}", err=True)
    if damaged:
        raise StopError(f"{len(damaged)} of {len(found) + len(damaged)} episodes are damaged")


@episodes.command("show")
@click.argument("episode", metavar="ID")
@options.store
@options.as_json
def show_command(episode: str, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Show one episode: verdict, ledger and skew of every stream; with --json the whole manifest.

    \b
    Example:
      saltwell episodes show 20260101T120000-g1-04-3fa2c1
    """
    one = load_episode(open_store(store), episode)
    click.echo(one.manifest.encode() if as_json else episode_page(one), nl=not as_json)


@episodes.command("verify")
@click.argument("episode", metavar="ID")
@options.store
@options.as_json
def verify_command(episode: str, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Read an episode back and prove that it is whole; exit status 1 when it is not.

    \b
    Example:
      saltwell episodes verify 20260101T120000-g1-04-3fa2c1 --store s3://episodes
    """
    opened = open_store(store)
    with _progress(opened, episode) as advance:
        report = verify(opened, episode, advance=advance)
    click.echo(json.dumps(asdict(report), indent=2) if as_json else report_page(report))
    if report.problems:
        sys.exit(1)


def _load_all(store: Store) -> tuple[list[FinishedEpisode], list[DamagedEpisode]]:
    """Whole and damaged episodes by name, which sorts those of `saltwell replay` by time."""
    with ThreadPoolExecutor(_READ_AT_ONCE) as pool:
        loaded = list(pool.map(lambda episode: _load(store, episode), sorted(list_episodes(store))))
    whole = [one for one in loaded if isinstance(one, FinishedEpisode)]
    return whole, [one for one in loaded if isinstance(one, DamagedEpisode)]


def _load(store: Store, episode: str) -> FinishedEpisode | DamagedEpisode:
    try:
        return load_episode(store, episode)
    except DamagedEpisode as error:
        return error


@contextmanager
def _progress(store: Store, episode: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    size = load_episode(store, episode).marker.archive_bytes
    with click.progressbar(length=size, label="verify", file=sys.stderr) as bar:
        yield bar.update
