"""`saltwell simulate`: a recording of the simulated station."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from producers.simulate.gl import choose_backend
from saltwell.cli import options
from saltwell.errors import StopError

if TYPE_CHECKING:
    from producers.simulate.session import Outcome

STEPS_A_SECOND = 1000
MAX_TASK = 500


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False), metavar="OUT.mcap")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Which take it is.")
@click.option("--seconds", default=8.0, show_default=True, type=click.FloatRange(4, 60), help="Length.")
@click.option(
    "--model",
    default=None,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE.xml",
    help="Another MuJoCo model; default: the project's own.",
)
@click.option("--task", default=None, metavar="TEXT", help="What /task says; default: what the script does.")
@click.option(
    "--start",
    default="2026-01-01",
    show_default=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Time of the first sample, UTC.",
)
@options.as_json
def simulate(  # noqa: PLR0917 - click passes by name
    out: Path,
    seed: int,
    seconds: float,
    model: Path | None,
    task: str | None,
    start: datetime,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Record a simulated robot that sorts parts: cameras, depth, lidar, joints at 1 kHz, headset.

    \b
    Examples:
      saltwell simulate take.mcap --seed 7 --seconds 8
      saltwell simulate arm.mcap --model my_arm.xml --task "explore"
    """
    if len(task or "") > MAX_TASK:
        raise StopError(f"--task has {len(task or '')} characters; say it in {MAX_TASK}")
    choose_backend()
    try:
        from producers.simulate.session import Order, record  # noqa: PLC0415 - after the choice of OpenGL
    except ModuleNotFoundError as error:
        raise StopError(f"simulate needs {error.name}; pip install 'saltwell[simulate]'") from error
    start_ns = int(start.replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    order = Order(seed=seed, seconds=seconds, start_ns=start_ns, model=model, task=task)
    with _progress(seconds) as on_step:
        outcome = record(out, order, on_step=on_step, on_notice=lambda text: click.echo(text, err=True))
    click.echo(_json(outcome) if as_json else _sentence(outcome))


def _json(outcome: "Outcome") -> str:
    return json.dumps(asdict(outcome) | {"path": str(outcome.path)}, indent=2)


def _sentence(outcome: "Outcome") -> str:
    parts = outcome.sorted_parts or {}
    where = [f"{name} {'is' if inside else 'is NOT'} in the bin" for name, inside in parts.items()]
    size = f"{outcome.size_bytes / 1e6:.1f} MB"
    counts = f"{len(outcome.messages)} streams, {sum(outcome.messages.values())} messages"
    return "; ".join([f"{outcome.path}: {outcome.seconds:g} s, {counts}, {size}", *where])


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal, a line for every simulated second elsewhere; both on standard error."""
    if sys.stderr.isatty():
        length = round(seconds * STEPS_A_SECOND)
        with click.progressbar(length=length, label="simulate", file=sys.stderr, update_min_steps=50) as bar:
            yield lambda: bar.update(1)
        return
    done = 0

    def on_step() -> None:
        nonlocal done
        done += 1
        if done % STEPS_A_SECOND == 0:
            click.echo(f"simulated {done // STEPS_A_SECOND} of {seconds:g} s", err=True)

    yield on_step
