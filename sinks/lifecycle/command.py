"""`saltwell store`: retention, erasure, and whether a store is whole."""

import json
import sys
import time
from collections import Counter
from dataclasses import asdict

import click

from saltwell.cli import options
from saltwell.cli.since import Age
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.gone import Erased
from sinks.lifecycle.erase import erase, objects_of, of_subject, unfinished
from sinks.lifecycle.expire import Expiry, due, expire
from sinks.lifecycle.fsck import NO_FAULT, Check, Finding
from sinks.store import Store, open_store

_MOST_NAMED = 10_000

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")


@click.group()
def store() -> None:
    """Look after a store: retention, erasure, and whether it is whole.

    \b
    Example:
      saltwell store fsck --store s3://episodes
    """


@store.command("expire")
@click.option("--rejected-after", "after_ns", required=True, type=Age(), help="Age of a rejected episode: 30d, 12w.")
@_dry_run
@options.store
@options.as_json
def expire_command(after_ns: int, dry_run: bool, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Remove the MCAP files of rejected episodes; marker, manifest and verdict stay, and say so.

    What people said in a review comes before the verdict.

    \b
    Example:
      saltwell store expire --rejected-after 30d --dry-run
    """
    opened, now_ns = open_store(store), time.time_ns()
    catalogue = Catalogue(opened)
    there = catalogue.read()
    done: list[Expiry] = []
    for expiry in due(opened, catalogue if there else None, before_ns=now_ns - after_ns, now_ns=now_ns):
        if not dry_run:
            expire(opened, expiry, now_ns=now_ns)
        done.append(expiry)
        if not as_json:
            click.echo(f"{_verb(dry_run)} {expiry.bytes / 1e6:9.1f} MB of {expiry.episode}: {expiry.why}")
    if there and not dry_run:
        catalogue.expire([expiry.episode for expiry in done])
    _report([expiry.episode for expiry in done], sum(expiry.bytes for expiry in done), dry_run=dry_run, as_json=as_json)


@store.command("erase")
@click.option("--subject", required=True, metavar="ID", help="Whose episodes: the `subject` of their source.")
@click.option("--why", default="asked for", show_default=True, metavar="TEXT", help="Kept in the tombstone; no names.")
@_dry_run
@options.store
@options.as_json
def erase_command(subject: str, why: str, dry_run: bool, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Erase every episode of a subject: files, training files, reviews, rows of the catalogue. A tombstone stays.

    The log keeps what it holds until its retention; datasets that were published must be published again.

    \b
    Example:
      saltwell store erase --subject p-117 --dry-run
    """
    opened = open_store(store)
    catalogue = Catalogue(opened)
    catalogue.create()
    catalogue.add_missing(lambda: None)
    notes = [*unfinished(opened), *of_subject(catalogue, subject, why=why, now_ns=time.time_ns())]
    removed = sum(_told(opened, note, dry_run=dry_run, as_json=as_json) for note in notes)
    if not dry_run:
        erase(catalogue, notes)
    _report([note.episode for note in notes], removed, dry_run=dry_run, as_json=as_json)


@store.command("fsck")
@click.option("--deep", is_flag=True, help="Read every file back and compare hashes and ledgers.")
@options.store
@options.as_json
def fsck_command(deep: bool, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Check that a store is whole; exit status 1 when it is not.

    Markers, manifests and files; training files and reviews; objects that no marker points to and uploads that never
    ended, when they are older than a day; the catalogue, when there is one.

    \b
    Example:
      saltwell store fsck --deep
    """
    check, kinds, named = Check(open_store(store), deep=deep, now_ns=time.time_ns()), Counter[str](), list[Finding]()
    for finding in check.findings():
        kinds[finding.kind] += 1
        if as_json:
            named += [finding] if len(named) < _MOST_NAMED else []
        else:
            click.echo(f"{finding.kind:10} {finding.what}: {finding.text}")
    faults = kinds.total() - kinds[NO_FAULT]
    counts = {
        "episodes": check.episodes,
        "expired": check.expired,
        "faults": faults,
        "kinds": dict(sorted(kinds.items())),
    }
    if as_json:
        click.echo(json.dumps({**counts, "findings": [asdict(one) for one in named]}, indent=2))
    else:
        click.echo(f"{check.episodes} episodes, {check.expired} of them expired; {faults or 'no'} faults")
    if faults:
        sys.exit(1)


def _told(opened: Store, note: Erased, *, dry_run: bool, as_json: bool) -> int:
    """Say what goes of an episode; gives how many bytes."""
    total = 0
    for key in objects_of(opened, note):
        size = opened.size(key)
        total += size
        if not as_json:
            click.echo(f"{_verb(dry_run)} {size / 1e6:9.1f} MB {key}")
    return total


def _report(episodes: list[str], removed_bytes: int, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "episodes": episodes, "bytes": removed_bytes}, indent=2))
    else:
        click.echo(f"{_verb(dry_run)} {removed_bytes / 1e6:.1f} MB of {len(episodes)} episodes")


def _verb(dry_run: bool) -> str:  # noqa: FBT001 - reads as a sentence
    return "would remove" if dry_run else "removed"
