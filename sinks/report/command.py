"""`saltwell report`: what a day gave."""

import json
from datetime import datetime
from pathlib import Path

import click

from saltwell.cli import options
from saltwell.errors import StopError
from sinks.report.day import day_of
from sinks.report.facts import gather
from sinks.report.page import html_page
from sinks.report.summary import DAY_PLAN, YEAR_PLAN, summed
from sinks.report.text import report_object, report_page
from sinks.store import open_store


@click.command()
@click.option("--day", "when", default=None, type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Default: today.")
@click.option("--zone", default="UTC", show_default=True, envvar="SALTWELL_ZONE", help="Whose day: Asia/Shanghai ..")
@click.option(
    "--price",
    default=None,
    type=click.FloatRange(min=0),
    envvar="SALTWELL_SESSION_PRICE",
    help="Of a session: an operator at a station for a day.",
)
@click.option(
    "--day-plan", default=DAY_PLAN, show_default=True, type=click.IntRange(min=1), help="Records planned for a day."
)
@click.option(
    "--year-plan", default=YEAR_PLAN, show_default=True, type=click.IntRange(min=1), help="Good records for a year."
)
@click.option(
    "--html",
    default=None,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a page with plots; it needs nothing else.",
)
@options.store
@options.as_json
def report(  # noqa: PLR0917 - click passes by name
    when: datetime | None,
    zone: str,
    price: float | None,
    day_plan: int,
    year_plan: int,
    html: Path | None,
    store: str,
    as_json: bool,  # noqa: FBT001 - click passes by name
) -> None:
    """Report a day: records and good hours by station, task and operator, yield, why others were rejected, cost.

    Counts from the catalogue when the store has one, else from all manifests; what people said in reviews counts.

    \b
    Example:
      saltwell report --day 2026-01-31 --zone Asia/Shanghai --price 1000 --html day.html
    """
    day = day_of(when.date() if when else None, zone)
    found = summed(gather(open_store(store), day), day, price=price, day_plan=day_plan, year_plan=year_plan)
    if html is not None:
        try:
            html.write_text(html_page(found), encoding="utf-8")
        except OSError as error:
            raise StopError(f"can't write {html}: {error.strerror}; give another --html") from error
    click.echo(json.dumps(report_object(found), indent=2) if as_json else report_page(found))
