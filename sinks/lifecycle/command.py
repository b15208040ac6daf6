"""`saltwell store`: retention, erasure, and whether a store is whole."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

import click

from saltwell.cli import options
from saltwell.cli.since import Age
from saltwell.errors import SkipRecordError, StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.gone import Erased
from sinks.lifecycle.erase import erase, look, unfinished
from sinks.lifecycle.expire import Expiry, due, expire
from sinks.lifecycle.fsck import NO_FAULT, Check, Finding
from sinks.lifecycle.subject import Unjudged, of_subject
from sinks.store import open_store

_MOST_NAMED = 10_000
_MOST_LETTERS = 1000

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")


def _text(_: click.Context, parameter: click.Parameter, value: str) -> str:
    """Text that can stand in a record; what a terminal gave that is no UTF-8 can't."""
    if not value.strip() or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise click.BadParameter(f"{ascii(value)[:60]} is no text")
    if parameter.name == "why" and len(value) > _MOST_LETTERS:
        raise click.BadParameter(f"it has {len(value)} letters, more than {_MOST_LETTERS}")
    return value


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
    done, stay = list[Expiry](), list[SkipRecordError]()
    for expiry in due(opened, catalogue if there else None, before_ns=now_ns - after_ns, now_ns=now_ns):
        try:
            if not dry_run:
                expire(opened, expiry, now_ns=now_ns)
        except SkipRecordError as error:
            click.echo(f"saltwell: {error}", err=True)
            stay.append(error)
            continue
        done.append(expiry)
        if not as_json:
            click.echo(f"{_verb(dry_run)} {expiry.bytes / 1e6:9.1f} MB of {expiry.episode}: {expiry.why}")
    if there and not dry_run:
        catalogue.expire([expiry.episode for expiry in done])
    _report([expiry.episode for expiry in done], sum(expiry.bytes for expiry in done), dry_run=dry_run, as_json=as_json)
    if stay:
        raise StopError(f"{len(stay)} files stay, because of notes that can't be read: see `saltwell store fsck`")


@store.command("erase")
@click.option(
    "--subject", required=True, callback=_text, metavar="ID", help="Whose episodes: the `subject` of their source."
)
@click.option(
    "--why",
    default="asked for",
    show_default=True,
    callback=_text,
    metavar="TEXT",
    help="Kept in the tombstone; no names.",
)
@_dry_run
@options.store
@options.as_json
def erase_command(subject: str, why: str, dry_run: bool, store: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Erase every episode of a subject: files, training files, reviews, rows of the catalogue. A tombstone stays.

    The log keeps what it holds until its retention; datasets that were published must be published again. Exit status 1
    when there is something that can't be told to be theirs or not: it is named, and stays.

    \b
    Example:
      saltwell store erase --subject p-117 --dry-run
    """
    opened = open_store(store)
    catalogue, removed = Catalogue(opened), list[int]()

    def told(key: str, size: int) -> None:
        removed.append(size)
        if not as_json:
            click.echo(f"{_verb(dry_run)} {size / 1e6:9.1f} MB {key}")

    notes, unjudged = _parted(unfinished(opened))
    theirs, unclear = _parted(of_subject(catalogue, subject, besides=notes, why=why, now_ns=time.time_ns()))
    notes, unjudged = [*notes, *theirs], [*unjudged, *unclear]
    if dry_run:
        look(opened, notes, told)
    else:
        erase(catalogue, notes, told)
    episodes, named = [note.episode for note in notes], [asdict(one) for one in unjudged]
    _report(episodes, sum(removed), dry_run=dry_run, as_json=as_json, unjudged=named)
    for one in unjudged:
        click.echo(f"saltwell: can't be judged: {one.key}: {one.why}", err=True)
    if unjudged:
        raise StopError(f"{len(unjudged)} things may be of that subject, and stay: look at them")


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


def _parted(found: Iterable[Erased | Unjudged]) -> tuple[list[Erased], list[Unjudged]]:
    """What goes, each episode once, and what can't be judged."""
    notes, unjudged = dict[tuple[str, str], Erased](), list[Unjudged]()
    for one in found:
        if isinstance(one, Unjudged):
            unjudged.append(one)
        else:
            notes[one.episode, one.robot] = one
    return [*notes.values()], unjudged


def _report(episodes: list[str], removed_bytes: int, *, dry_run: bool, as_json: bool, **more: object) -> None:
    if as_json:
        said = {"dry_run": dry_run, "episodes": episodes, "bytes": removed_bytes}
        click.echo(json.dumps({**said, **more}, indent=2))
    else:
        click.echo(f"{_verb(dry_run)} {removed_bytes / 1e6:.1f} MB of {len(episodes)} episodes")


def _verb(dry_run: bool) -> str:  # noqa: FBT001 - reads as a sentence
    return "would remove" if dry_run else "removed"
