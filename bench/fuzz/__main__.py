"""`python -m bench.fuzz`: malformed inputs for every parser; tells what became of them."""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from bench.fuzz.parsers import parsers
from bench.fuzz.run import Outcome, keep_odd, run

_BUILD = Path("build")
_MB = 1_000_000


@click.command()
@click.option("--inputs", "count", default=100_000, show_default=True, help="Inputs, over all parsers.")
@click.option("--seed", default=1, show_default=True, help="What the inputs follow from.")
@click.option("--only", default="", metavar="WORDS", help="Only parsers whose name holds these words.")
def main(count: int, seed: int, only: str) -> None:
    """Give every parser malformed inputs: each must be used, or refused with the parser's own error in one line.

    \b
    Example:
      python -m bench.fuzz --inputs 1000000 --seed 7
    """
    began_s = time.monotonic()
    click.echo(f"{'PARSER':24}{'INPUTS':>9}{'USED':>9}{'REFUSED':>9}{'FAILED':>8}{'SLOWEST MS':>12}{'GREW MB':>9}")
    with tempfile.TemporaryDirectory(prefix="saltwell-fuzz-") as folder:
        chosen = [parser for parser in parsers(Path(folder)) if only in parser.name]
        outcomes = run(chosen, seed=seed, count=count, tell=lambda outcome: click.echo(line(outcome)))
    total = summary(outcomes, seed=seed, wall_s=time.monotonic() - began_s)
    _BUILD.mkdir(exist_ok=True)
    (_BUILD / "fuzz.json").write_text(json.dumps(total, indent=2) + "\n", encoding="utf-8")
    keep_odd(outcomes, _BUILD / "fuzz")
    click.echo(f"{total['inputs']} inputs in {total['wall_s']:.0f} s, {total['failed']} failed; in build/fuzz.json")
    for outcome in outcomes:
        for what in outcome.odd:
            click.echo(f"  {outcome.parser}: {what}")
    sys.exit(1 if any(outcome.odd for outcome in outcomes) else 0)


def line(outcome: Outcome) -> str:
    """A row of the table."""
    counts = f"{outcome.inputs:9}{outcome.taken:9}{outcome.refused:9}{outcome.failed:8}"
    return f"{outcome.parser:24}{counts}{1000 * outcome.slowest_s:12.1f}{outcome.grown_bytes / _MB:9.1f}"


def summary(outcomes: list[Outcome], *, seed: int, wall_s: float) -> dict[str, Any]:
    """What build/fuzz.json holds."""
    return {
        "seed": seed,
        "wall_s": wall_s,
        "cpu_s": sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]),
        "inputs": sum(outcome.inputs for outcome in outcomes),
        "failed": sum(outcome.failed for outcome in outcomes),
        "parsers": {
            outcome.parser: {
                "inputs": outcome.inputs,
                "used": outcome.taken,
                "refused": outcome.refused,
                "failed": outcome.failed,
                "slowest_s": outcome.slowest_s,
                "grown_bytes": outcome.grown_bytes,
                "odd": list(outcome.odd),
            }
            for outcome in outcomes
        },
    }


if __name__ == "__main__":
    main()
