"""`saltwell dataset`: publish datasets for training, and check them."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.errors import SkipRecordError, StopError
from sinks.store import open_store


@click.group()
def dataset() -> None:
    """Datasets for training, from finished episodes.

    \b
    Example:
      saltwell dataset publish --name sort --to datasets
    """


@dataset.command()
@click.option("--name", required=True, metavar="N", help="Name of the dataset; it is written to TO/N.")
@click.option("--to", "target", required=True, metavar="URL", help="Folder or file:// URL that holds datasets.")
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
    decision: str,
    task: str | None,
    robot: str | None,
    since: "click.DateTime | None",
    criteria: str | None,
    store: str,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Write a LeRobot v3.0 dataset, or add to it what is new.

    Videos are linked or copied, never coded again. When other episodes are wanted than before, the index begins anew.

    \b
    Example:
      saltwell dataset publish --name sort --task "sort the parts" --store s3://episodes --to datasets
    """
    from sinks.dataset.publish import Wanted, decisions_of  # noqa: PLC0415 - --help needs no video library
    from sinks.dataset.publish import publish as publish_dataset  # noqa: PLC0415 - as above

    since_ns = 0 if since is None else round(since.timestamp() * 1e9)  # type: ignore[attr-defined] # click gives a datetime
    wanted = Wanted(decisions_of(decision), task, robot, since_ns, criteria)
    folder = _folder(target) / _plain_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".publish-") as scratch:
        done = publish_dataset(open_store(store), wanted, folder, Path(scratch), advance=lambda _: None)
    if as_json:
        click.echo(json.dumps({**asdict(done), "root": str(done.root)}, indent=2))
        return
    how = "begun anew, " if done.begun_anew else ""
    click.echo(f"{done.root}: {done.episodes} episodes, {done.rows} rows; {how}{done.added} added")


@dataset.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="DATASET")
@options.as_json
def check(path: Path, as_json: bool) -> None:  # noqa: FBT001 - click passes by name
    """Read every row and every picture of a dataset, as a trainer would.

    \b
    Example:
      saltwell dataset check datasets/sort
    """
    from sinks.dataset.reader import DatasetReader  # noqa: PLC0415 - --help needs no video library

    reader = DatasetReader(path)
    problems, rows = [*reader.problems()], 0
    for number in range(len(reader.episodes)):
        try:
            rows += sum(1 for _ in reader.rows(number))
        except SkipRecordError as error:
            problems.append(str(error))
    if as_json:
        click.echo(json.dumps({"episodes": len(reader.episodes), "rows": rows, "problems": problems}, indent=2))
    else:
        click.echo("\n".join([f"{path}: {len(reader.episodes)} episodes, {rows} rows read", *problems]))
    if problems:
        raise SystemExit(1)


def _folder(url: str) -> Path:
    if "://" in url and not url.startswith("file://"):
        raise StopError(f"--to {url}: datasets are published to a folder or a file:// URL; copy it on from there")
    return Path(url.removeprefix("file://"))


def _plain_name(name: str) -> str:
    if not name or name.startswith(".") or "/" in name:
        raise StopError(f"--name {name!r}: use a plain name without slashes")
    return name
