"""`python -m bench.faults`: runs rounds of faults and tells what was lost."""

import sys
import tempfile
import time
from pathlib import Path

import click

from bench.faults.fault import Fault
from bench.faults.kinds.network import RegistryDown
from bench.faults.recordings import recordings
from bench.faults.report import Report, line, table, write
from bench.faults.rig import POISON, running
from bench.faults.rounds import Runner, recorded
from bench.faults.schedule import KINDS, rounds_for_all, schedule
from saltwell.errors import SaltwellError

_BUILD = Path("build")


@click.command()
@click.option("--rounds", default=0, show_default=True, help="Rounds of three faults; 0 = until every kind has come.")
@click.option("--seed", default=1, show_default=True, help="What the schedule follows from.")
@click.option("--brokers", default=1, show_default=True, type=click.IntRange(1, 3), help="Brokers of the cluster.")
@click.option("--only", default="", metavar="WORDS", help="Only kinds whose name holds these words.")
@click.option("--without", multiple=True, metavar="WORDS", help="No kinds whose name holds these words; repeatable.")
@click.option("--poison", default=POISON, show_default=True, help="Malformed records of each such fault.")
@click.option("--keep", is_flag=True, help="Keep logs and store in build/faults.")
def main(  # noqa: PLR0917 - click passes by name
    rounds: int,
    seed: int,
    brokers: int,
    only: str,
    without: tuple[str, ...],
    poison: int,
    keep: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Play episodes through the real pipeline while it is broken in every way, and compare what came out.

    \b
    Example:
      python -m bench.faults --rounds 70 --seed 7
    """
    kinds = [kind for kind in KINDS if only in kind.kind and not any(words in kind.kind for words in without)]
    count = rounds or rounds_for_all(seed, kinds=kinds)
    report = Report(seed=seed, brokers=brokers, poison=poison)
    try:
        if keep:
            _run(_BUILD / "faults" / f"{time.time():.0f}", report, seed=seed, count=count, kinds=kinds)
        else:
            with tempfile.TemporaryDirectory(prefix="saltwell-faults-") as scratch:
                _run(Path(scratch), report, seed=seed, count=count, kinds=kinds)
    except SaltwellError as error:
        sys.exit(f"faults: {error}")
    finally:
        write(report, _BUILD / "faults.json")
        print(table(report))
    sys.exit(0 if report.is_clean() else 1)


def _run(folder: Path, report: Report, *, seed: int, count: int, kinds: list[type[Fault]]) -> None:
    """Run the rounds; the report grows as they end, so that a run that is broken off has one, too."""
    variants = {"plain", *(kind.recording for kind in kinds)}
    played = {name: path for name, path in recordings(_BUILD / "bench").items() if name in variants}
    registry = RegistryDown in kinds
    with running(folder.absolute(), brokers=report.brokers, registry=registry, poison=report.poison) as rig:
        runner = Runner(rig, recorded(played))
        report.end = runner.undisturbed()
        for number, events in enumerate(schedule(seed, rounds=count, kinds=kinds), 1):
            outcome = runner.round(number, events)
            report.rounds.append(outcome)
            report.exits = list(rig.fleet.exits)
            print(line(outcome), flush=True)
        runner.drain()
        report.end = runner.check_all()
        report.exits = list(rig.fleet.exits)
        report.episodes = len(runner.sent)
        report.frames = sum(len(sent.frames) for sent, _, _ in runner.sent)


if __name__ == "__main__":
    main()
