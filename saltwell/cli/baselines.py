"""`saltwell baselines`: what is usual, learned from the accepted episodes of a store."""

from collections.abc import Iterable
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.errors import StopError
from saltwell.evidence import StoredEvidence, part


@click.group()
def baselines() -> None:
    """Learn what is usual for tasks and devices.

    \b
    Example:
      saltwell baselines learn --store s3://episodes --out baselines.json
    """


@baselines.command()
@options.store
@click.option(
    "--out",
    default="baselines.json",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write.",
)
def learn(store: str, out: Path) -> None:
    """Learn from the accepted episodes of a store; give the file to `saltwell process judge --baselines`.

    \b
    Example:
      saltwell baselines learn --store s3://episodes --out baselines.json
    """
    evidence: Iterable[StoredEvidence] = part("store")(store, ())
    text, episodes = part("learn")(evidence)
    if not episodes:
        raise StopError(f"{store} holds no accepted episode to learn from")
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StopError(f"can't write {out}: {error.strerror}; give another --out") from error
    click.echo(f"{out}: learned from {episodes} accepted episodes")
