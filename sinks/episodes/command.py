"""`saltwell episodes`: finished episodes of a store, for people and programs."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from saltwell.cli import options
from saltwell.cli.since import Since
from saltwell.contracts.results import Review
from saltwell.errors import StopError
from saltwell.report import episode_object
from sinks.episodes.finished import (
    DamagedEpisode,
    FinishedEpisode,
    announcement,
    list_episodes,
    load_episode,
    load_episodes,
)
from sinks.episodes.layout import archive_key, key_part
from sinks.episodes.opening import copied, fetching_page, opening_page
from sinks.episodes.reviews import all_reviews, standing
from sinks.episodes.sums import StoreLedger
from sinks.episodes.tables import catalogue_table, episode_page, episode_table, ledger_page, report_page
from sinks.episodes.verify import verify
from sinks.store import Store, open_store

_NS_PER_S = 1_000_000_000
_LISTED = 1000


@click.group()
def episodes() -> None:
    """List, show, verify and add up finished episodes.

    \b
    Example:
      saltwell episodes ls --store s3://episodes
    """


@episodes.command("ls")
@click.option("--where", default=None, metavar="SQL", help="Only those for which this expression holds; see below.")
@click.option("--since", default=None, type=Since(), help="Only those that stopped since: 7d, 12h, 2026-01-31.")
@click.option("--limit", default=None, type=click.IntRange(1, 999_999), help="Only so many, the newest.")
@options.store
@options.as_json
def list_command(
    where: str | None,
    since: int | None,
    limit: int | None,
    store: str,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """List the finished episodes; * marks what people said in a review.

    With --where or --since they come from the catalogue that `saltwell sink catalogue` keeps, with what reviews said:
    the newest 1000 unless --limit says otherwise. Columns: robot, task, decision, reviewer, stopped, frames_lost ..

    \b
    Example:
      saltwell episodes ls --json
      saltwell episodes ls --where "task = 'sort' and decision = 'accept'" --since 7d
    """
    if where is not None or since is not None:
        _list_catalogue(store, where or "", since_ns=since, limit=limit or _LISTED, as_json=as_json)
        return
    opened = open_store(store)
    found, damaged = _load_all(opened)
    found = found[-limit:] if limit else found
    reviews = standing(all_reviews(opened))
    if as_json:
        click.echo(json.dumps([_listed(one, reviews.get(one.manifest.episode)) for one in found], indent=2))
    else:
        click.echo(episode_table(found, reviews) if found else f"no finished episodes in {store}")
    _report_damaged(damaged, of=len(found) + len(damaged))


def _list_catalogue(store: str, where: str, *, since_ns: int | None, limit: int, as_json: bool) -> None:
    from sinks.catalogue.catalogue import Catalogue  # noqa: PLC0415 - other commands need no table library
    from sinks.catalogue.query import find  # noqa: PLC0415 - as above

    catalogue = Catalogue(open_store(store))
    catalogue.read()
    found = find(catalogue, where, since_ns=since_ns, limit=limit)
    if as_json:
        click.echo(json.dumps(found.objects(), indent=2, default=str))
    else:
        click.echo(catalogue_table(found.objects()) if found.rows else "no such episodes")
    if found.total > len(found.rows):
        click.echo(f"the newest {len(found.rows)} of {found.total}; --limit shows more", err=True)


@episodes.command("show")
@click.argument("episode", metavar="ID")
@options.store
@options.as_json
def show_command(episode: str, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Show one episode: verdict, reviews, ledger and skew of every stream; with --json the manifest as it is stored.

    \b
    Example:
      saltwell episodes show 20260101T120000-g1-04-3fa2c1
    """
    opened = open_store(store)
    one = load_episode(opened, episode)
    if as_json:
        click.echo(one.manifest.encode(), nl=False)
        return
    click.echo(episode_page(one, sorted(all_reviews(opened, episode=episode), key=lambda r: r.reviewed_ns)))


@episodes.command("plot")
@click.argument("episode", metavar="ID")
@options.store
@click.option(
    "--out",
    default=None,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="PNG file to write; default: ID.png.",
)
def plot_command(episode: str, store: str, out: Path | None) -> None:
    """Draw an episode: what cameras saw, torque, skew, scores and the verdict over time.

    \b
    Example:
      saltwell episodes plot 20260101T120000-g1-04-3fa2c1 --out take.png
    """
    from sinks.plot.picture import draw_episode  # noqa: PLC0415 - a large library

    opened = open_store(store)
    path = out or Path(f"{key_part(episode)}.png")
    png = draw_episode(opened, load_episode(opened, episode))
    try:
        path.write_bytes(png)
    except OSError as error:
        raise StopError(f"can't write {path}: {error.strerror}; give another --out") from error
    click.echo(path)


@episodes.command("open")
@click.argument("episode", metavar="ID")
@options.store
@click.option(
    "--to",
    default=None,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Copy the MCAP file to this folder first; needed for a store on S3.",
)
def open_command(episode: str, store: str, to: Path | None) -> None:
    """Say how to open an episode in viewers.

    \b
    Example:
      saltwell episodes open 20260101T120000-g1-04-3fa2c1 --store s3://episodes --to .
    """
    opened = open_store(store)
    key = archive_key(load_episode(opened, episode).marker.folder)
    if to is not None:
        click.echo(opening_page(episode, copied(opened, key, to / f"{key_part(episode)}.mcap")))
    elif opened.folder is not None:
        click.echo(opening_page(episode, opened.folder / key))
    else:
        click.echo(fetching_page(episode, store))


@episodes.command("ledger")
@options.store
@click.option("--robot", default=None, help="Only episodes of this robot.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    default=None,
    metavar="TIME",
    help="Only episodes that stopped then or later; UTC, 2026-01-31 or 2026-01-31T12:00.",
)
@options.as_json
def ledger_command(store: str, robot: str | None, since: datetime | None, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Add up what became of all frames: sent = written + lost, by kind of stream and cause.

    Exit status 1 when an episode is damaged, or its ledger does not balance.

    \b
    Example:
      saltwell episodes ledger --robot g1-04 --since 2026-01-31
    """
    damaged: list[DamagedEpisode] = []
    since_ns = int(since.replace(tzinfo=UTC).timestamp()) * _NS_PER_S if since else 0
    ledger = _add_up(open_store(store), robot=robot, since_ns=since_ns, damaged=damaged.append)
    click.echo(json.dumps(ledger.as_object(), indent=2) if as_json else ledger_page(ledger))
    _report_damaged(damaged, of=ledger.episodes + len(damaged))


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
    loaded = list(load_episodes(store, sorted(list_episodes(store))))
    whole = [one for one in loaded if isinstance(one, FinishedEpisode)]
    return whole, [one for one in loaded if isinstance(one, DamagedEpisode)]


def _listed(one: FinishedEpisode, review: Review | None) -> dict[str, Any]:
    """The form of all reports, and beside it the review that counts."""
    return {**episode_object(announcement(one)), "review": asdict(review) if review else None}


def _add_up(
    store: Store, *, robot: str | None, since_ns: int, damaged: Callable[[DamagedEpisode], None]
) -> StoreLedger:
    """The ledgers of all whole episodes; the others are told to `damaged`."""
    ledger = StoreLedger()
    for one in load_episodes(store, list_episodes(store), robot=robot):
        if isinstance(one, DamagedEpisode):
            damaged(one)
        elif one.manifest.stopped_ns >= since_ns:
            ledger.add(one.manifest)
    return ledger


def _report_damaged(damaged: Sequence[DamagedEpisode], *, of: int) -> None:
    for error in damaged:
        click.echo(f"saltwell: {error}", err=True)
    if damaged:
        raise StopError(f"{len(damaged)} of {of} episodes are damaged")


@contextmanager
def _progress(store: Store, episode: str) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    size = load_episode(store, episode).marker.archive_bytes
    with click.progressbar(length=size, label="verify", file=sys.stderr) as bar:
        yield bar.update
