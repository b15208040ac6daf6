"""`saltwell review`: people look at episodes and say what they are worth."""

import tempfile
import time
from functools import partial
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.contracts.codec import Codec
from saltwell.contracts.identity import Decision
from saltwell.contracts.registry import schema_ids
from saltwell.errors import StopError
from sinks.episodes.finished import FinishedEpisode, load_episode
from sinks.episodes.layout import key_part
from sinks.review.desk import look_through
from sinks.review.queue import waiting
from sinks.review.word import speaker, word_on
from sinks.store import Store, open_store


@click.command()
@click.argument("episode", metavar="[ID]", required=False)
@click.option("--by", required=True, envvar="SALTWELL_REVIEWER", metavar="NAME", help="Who you are.")
@click.option("--accept", "decision", flag_value="accept", default=None, help="The episode is good.")
@click.option("--reject", "decision", flag_value="reject", help="The episode is bad.")
@click.option("--task", default="", metavar="TEXT", help="What the robot really did.")
@click.option("--why", default="", metavar="TEXT", help="A reason; a reject needs one.")
@click.option(
    "--verdict",
    "verdicts",
    default=("review",),
    show_default=True,
    multiple=True,
    type=click.Choice(["review", "reject", "accept"]),
    help="Which episodes wait in the queue; may be given several times, the first comes first.",
)
@options.store
@options.bootstrap
def review(  # noqa: PLR0917 - click passes by name
    episode: str | None,
    by: str,
    decision: Decision | None,
    task: str,
    why: str,
    verdicts: tuple[Decision, ...],
    store: str,
    bootstrap: str,
) -> None:
    """Go through the episodes that wait for a person, or say a word on one: who, when and why are kept.

    Nothing in an episode is changed. The latest word counts for `dataset publish`, the catalogue and reports.

    \b
    Example:
      saltwell review --by ana
      saltwell review 20260101T120000-g1-04-3fa2c1 --reject --by ana --why "the box fell"
    """
    opened = open_store(store)
    say = speaker(bootstrap, Codec(schema_ids()), opened)
    if decision or task or why:
        if episode is None:
            raise StopError("--accept, --reject, --task and --why go with the ID of an episode")
        one = load_episode(opened, episode)
        say(word_on(opened, one, by=by, at_ns=time.time_ns(), decision=decision, task=task, why=why))
        return
    with tempfile.TemporaryDirectory(prefix="saltwell-review-") as folder:
        names = [episode] if episode else waiting(opened, verdicts)
        click.echo(f"{len(names)} to look at")
        draw = partial(_draw, opened, Path(folder))
        words = look_through(opened, names, by=by, draw=draw, say=say, again=episode is not None)
    click.echo(f"{words} reviewed")


def _draw(store: Store, folder: Path, one: FinishedEpisode) -> str:
    try:
        from sinks.plot.picture import draw_episode  # noqa: PLC0415 - a large library, and one can judge without
    except ModuleNotFoundError as error:
        raise StopError(f"that needs {error.name}; pip install 'saltwell[plots]'") from error
    path = folder / f"{key_part(one.manifest.episode)}.png"
    path.write_bytes(draw_episode(store, one))
    return str(path)
