"""`saltwell`: finds the commands of the installed parts and prints every error as one line."""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from saltwell.cli.logs import set_up_logging
from saltwell.errors import SaltwellError, StopError

_GROUP = "saltwell.commands"
_EXTRAS = {
    "matplotlib": "plots",
    "av": "dataset",
    "pyarrow": "dataset",
    "deltalake": "catalogue",
    "duckdb": "catalogue",
}
"""Extras that are for a part of a part's commands, by a library of theirs."""


class Parts(click.Group):
    """A group whose commands come from entry points, imported only when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all installed commands."""
        del ctx
        return sorted(point.name for point in entry_points(group=_GROUP))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; says which extra to install when a library is missing."""
        del ctx
        point = next((p for p in entry_points(group=_GROUP) if p.name == cmd_name), None)
        return None if point is None else _load(point)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one that misses a library only while it runs says so in the same words."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            (point,) = entry_points(group=_GROUP, name=str(ctx.invoked_subcommand))
            raise _missing(point, error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands; one whose libraries are not installed is listed all the same."""
        rows = []
        for name in self.list_commands(ctx):
            try:
                command = self.get_command(ctx, name)
                rows.append((name, command.get_short_help_str(limit=90) if command else ""))
            except SaltwellError as error:
                rows.append((name, f"({error})"))
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _load(point: EntryPoint) -> click.Command:
    try:
        command: Any = point.load()
    except ModuleNotFoundError as error:
        raise _missing(point, error) from error
    return command  # type: ignore[no-any-return] # entry points are untyped


def _missing(point: EntryPoint, error: ModuleNotFoundError) -> SaltwellError:
    extra = _EXTRAS.get(str(error.name).split(".")[0]) or _extra(point)
    return StopError(f"{point.name} needs {error.name}; pip install 'saltwell[{extra}]'")


def _extra(point: EntryPoint) -> str:
    part = point.module.split(".")[0]
    extras = {"producers": "edge", "processors": "processors", "sinks": "sinks"}
    return "simulate" if "simulate" in point.module else extras.get(part, "local")


@click.command(cls=Parts, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="saltwell")
def cli() -> None:
    """Turn what robots sense into finished, graded episodes.

    \b
    Example:
      saltwell demo --recording my_take.mcap
    """
    set_up_logging()


def main() -> None:
    """Run the command line; exit status 0 only when the command did what it says."""
    try:
        cli(standalone_mode=False)
    except SaltwellError as error:
        click.echo(f"saltwell: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


if __name__ == "__main__":
    main()
