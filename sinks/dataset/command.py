"""`saltwell dataset`: publish datasets for training, and check them."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saltwell.cli import options
from saltwell.errors import SkipRecordError, StopError
from sinks.store import Store, open_store
from sinks.store_errors import NotInStore

if TYPE_CHECKING:
    from sinks.dataset.publish import Wanted


@click.group()
def dataset() -> None:
    """Datasets for training, from finished episodes.

    \b
    Example:
      saltwell dataset publish --name sort --to datasets
    """


@dataset.command()
@click.option("--name", required=True, metavar="N", help="Name of the dataset; it is written to TO/N.")
@click.option("--to", "target", required=True, metavar="URL", help="Folder, file:// or s3:// URL that holds datasets.")
@click.option(
    "--format",
    "form",
    default="lerobot",
    show_default=True,
    type=click.Choice(["lerobot", "mcap"]),
    help="LeRobot v3.0, or a list of episodes with their MCAP files, TO/N.jsonl.",
)
@click.option(
    "--decision",
    default="accept",
    show_default=True,
    type=click.Choice(["accept", "review", "any"]),
    help="Accepted episodes; those for review too; all.",
)
@click.option("--task", default=None, metavar="TEXT", help="Only episodes of this task.")
@click.option("--robot", default=None, metavar="ID", help="Only episodes of this robot.")
@click.option("--since", default=None, type=click.DateTime(["%Y-%m-%d"]), help="Only episodes of this day or later.")
@click.option("--criteria", default=None, metavar="VERSION", help="Only episodes judged by these criteria.")
@options.store
@options.as_json
def publish(  # noqa: PLR0917 - click passes by name
    name: str,
    target: str,
    form: str,
    decision: str,
    task: str | None,
    robot: str | None,
    since: "click.DateTime | None",
    criteria: str | None,
    store: str,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Write a LeRobot v3.0 dataset, or add to it what is new; or a list of episodes.

    Videos are linked or copied, never coded again. When other episodes are wanted than before, the index begins anew.
    Into the bucket that holds the episodes, the server copies them.

    \b
    Example:
      saltwell dataset publish --name sort --task "sort the parts" --store s3://episodes --to datasets
    """
    from sinks.dataset.publish import Wanted, decisions_of  # noqa: PLC0415 - --help needs no video library
    from sinks.dataset.publish import publish as publish_dataset  # noqa: PLC0415 - as above

    since_ns = 0 if since is None else round(since.timestamp() * 1e9)  # type: ignore[attr-defined] # click gives a datetime
    wanted = Wanted(decisions_of(decision), task, robot, since_ns, criteria)
    if form == "mcap":
        _publish_list(open_store(store), wanted, open_store(target, create=True), f"{_plain_name(name)}.jsonl", as_json)
        return
    to = open_store(f"{target.rstrip('/')}/{_plain_name(name)}", create=True)
    with tempfile.TemporaryDirectory(prefix="publish-") as scratch:
        done = publish_dataset(open_store(store), wanted, to, Path(scratch), advance=lambda _: None)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
        return
    how = "begun anew, " if done.begun_anew else ""
    click.echo(f"{done.root}: {done.episodes} episodes, {done.rows} rows; {how}{done.added} added")


@dataset.command()
@click.argument("url", metavar="DATASET")
@options.as_json
def check(url: str, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Read every row and every picture of a dataset in a folder or a bucket, as a trainer would.

    \b
    Example:
      saltwell dataset check datasets/sort
    """
    from sinks.dataset.reader import DatasetReader  # noqa: PLC0415 - --help needs no video library

    try:
        reader = DatasetReader(open_store(url))
    except NotInStore as error:
        raise StopError(
            f"{url} holds no LeRobot dataset; give the place that `saltwell dataset publish` wrote"
        ) from error
    problems, rows = [*reader.problems()], 0
    for number in range(len(reader.episodes)):
        try:
            rows += sum(1 for _ in reader.rows(number))
        except SkipRecordError as error:
            problems.append(str(error))
    if as_json:
        click.echo(json.dumps({"episodes": len(reader.episodes), "rows": rows, "problems": problems}, indent=2))
    else:
        click.echo("\n".join([f"{url}: {len(reader.episodes)} episodes, {rows} rows read", *problems]))
    if problems:
        raise SystemExit(1)


def _publish_list(store: Store, wanted: "Wanted", target: Store, key: str, as_json: bool) -> None:  # noqa: FBT001 - of a command
    from sinks.dataset.listing import publish_list  # noqa: PLC0415 - --help needs no store

    episodes = publish_list(store, wanted, target, key)
    if as_json:
        click.echo(json.dumps({"uri": target.uri(key), "episodes": episodes}, indent=2))
        return
    click.echo(f"{target.uri(key)}: {episodes} episodes")


def _plain_name(name: str) -> str:
    if not name or name.startswith(".") or "/" in name:
        raise StopError(f"--name {name!r}: use a plain name without slashes")
    return name
