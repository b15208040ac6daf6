"""`saltwell rejudge`: the verdicts of a store under other criteria, without touching it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.contracts.results import Reason
from saltwell.evidence import Judge, StoredEvidence, part


@dataclass(frozen=True, slots=True)
class Rejudged:
    """An episode's stored decision and the new one with its reasons."""

    robot: str
    episode: str
    decision_before: str
    criteria_before: str
    decision: str
    criteria_version: str
    reasons: tuple[Reason, ...]


@click.command()
@click.argument("episodes", metavar="[ID]...", nargs=-1)
@options.store
@click.option(
    "--criteria",
    default=None,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Criteria to judge by; default: the built-in ones.",
)
@click.option(
    "--baselines",
    default=None,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="What is usual, as `saltwell baselines learn` wrote it.",
)
@options.as_json
def rejudge(
    episodes: tuple[str, ...],
    store: str,
    criteria: Path | None,
    baselines: Path | None,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Judge stored episodes again; the store stays as it is. All episodes when no ID is given.

    \b
    Example:
      saltwell rejudge --criteria stricter.toml --store s3://episodes
    """
    judge: Judge = part("judge")(criteria, baselines)
    evidence: Iterable[StoredEvidence] = part("store")(store, episodes)
    found = list(rejudged(evidence, judge))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
        return
    for one in found:
        click.echo(_line(one))
        for reason in one.reasons:
            click.echo(f"  {reason.severity}: {reason.text}")
    changed = sum(one.decision != one.decision_before for one in found)
    click.echo(f"{len(found)} episodes judged, {changed} decisions changed")


def rejudged(evidence: Iterable[StoredEvidence], judge: Judge) -> Iterator[Rejudged]:
    """Each episode's two decisions."""
    for one in evidence:
        verdict = judge(one.records)
        yield Rejudged(
            robot=one.robot,
            episode=one.episode,
            decision_before=one.decision,
            criteria_before=one.criteria_version,
            decision=verdict.decision,
            criteria_version=verdict.criteria_version,
            reasons=tuple(verdict.reasons),
        )


def _line(one: Rejudged) -> str:
    if one.decision == one.decision_before:
        return f"{one.episode}  {one.decision}, as before"
    return f"{one.episode}  {one.decision}, was {one.decision_before}"
