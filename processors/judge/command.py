"""`saltwell criteria`: the rules that verdicts are made by."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import click

from processors.judge.criteria import BUILT_IN, SEVERITIES, Criteria, load_criteria
from saltwell.errors import StopError


@click.group()
def criteria() -> None:
    """Look at criteria and check them.

    \b
    Example:
      saltwell criteria check my_criteria.toml
    """


@criteria.command()
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check a file of criteria; exit status 1 with one line an error.

    \b
    Example:
      saltwell criteria check my_criteria.toml
    """
    loaded = load_criteria(file)
    problems = list(problems_of(loaded, load_criteria()))
    for problem in problems[:-1]:
        click.echo(f"saltwell: {file}: {problem}", err=True)
    if problems:
        raise StopError(f"{file}: {problems[-1]}")
    click.echo(f"{file}: {len(loaded.rules)} rules, version {loaded.version}")


@criteria.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
def show(file: Path | None) -> None:
    """List the rules of a file, or the built-in ones.

    \b
    Example:
      saltwell criteria show
    """
    loaded = load_criteria(file or BUILT_IN)
    click.echo(f"version {loaded.version}")
    for rule in loaded.rules:
        limits = ", ".join(
            f"{severity} {'>' if rule.above else '<'} {rule.limits[severity]:g}"
            for severity in SEVERITIES
            if severity in rule.limits
        )
        click.echo(f"{rule.code:16} {limits} {rule.unit} ({', '.join(sorted(rule.kinds))})")


def problems_of(criteria: Criteria, built_in: Criteria) -> Iterator[str]:
    """Rules that can never fire: the built-in criteria name everything that is measured."""
    codes = {rule.code for rule in built_in.rules}
    for rule in criteria.rules:
        if rule.code not in codes:
            yield f"rule {rule.code!r}: nothing is measured by that name{_hint(rule.code, codes)}"


def _hint(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
