"""A day's report as plain text, and as plain values for programs. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from sinks.episodes.tables import plain_text, table
from sinks.report.summary import DayReport, Group

_ROWS_SHOWN = 40
_NAME_LETTERS = 28
_SMALL_SHARE = 0.01


def report_page(report: DayReport) -> str:
    """For terminals of 100 columns."""
    whole = report.all
    day, year = percent(whole.records, report.day_plan), percent(report.year_good, report.year_plan)
    hours = f"{whole.good_hours:.2f} of {whole.hours:.2f} hours"
    over = f"{report.day.year_share:.1%} of the year is over"
    damaged = f"; {report.damaged} damaged ones are left out" if report.damaged else ""
    lines = [
        f"{report.day.date} {report.day.zone.key}: {whole.records} records, {day} of {report.day_plan}",
        f"  good      {whole.good} records, {hours}; yield {whole.good_share:.1%}",
        f"  others    {whole.rejected} rejected, {whole.waiting} wait for review",
        f"  cost      {_cost_line(report)}",
        f"  year      {report.year_good} good records, {year} of {report.year_plan}; {over}",
        f"  counted   {report.source}{damaged}",
    ]
    if not whole.records and report.newest_ns:
        lines += ["", f"nothing stopped on that day; the newest episode is of {report.day.moment_of(report.newest_ns)}"]
    for name, groups in (("STATION", report.stations), ("TASK", report.tasks), ("OPERATOR", report.operators)):
        lines += ["", *_groups(name, groups)] if groups else []
    lines += ["", *_causes(report)] if report.causes else []
    return plain_text(lines)


def report_object(report: DayReport) -> dict[str, Any]:
    """As plain JSON values."""
    return {
        "day": str(report.day.date),
        "zone": report.day.zone.key,
        "source": report.source,
        "damaged": report.damaged,
        **_group_object(report.all),
        "day_plan": report.day_plan,
        "year": {"good": report.year_good, "plan": report.year_plan, "share_over": report.day.year_share},
        "sessions": report.sessions,
        "price": report.price,
        "stations": [_group_object(group) for group in report.stations],
        "tasks": [_group_object(group) for group in report.tasks],
        "operators": [_group_object(group) for group in report.operators],
        "rejected_by": [asdict(cause) for cause in report.causes],
        "by_hour": [group.records for group in report.by_hour],
    }


def money(amount: float | None) -> str:
    """An amount, or that none is known."""
    return "-" if amount is None else f"{amount:,.0f}"


def _group_object(group: Group) -> dict[str, Any]:
    return {**asdict(group), "yield": group.good_share, "cost_per_good_hour": group.cost_per_good_hour}


def _cost_line(report: DayReport) -> str:
    if report.price is None:
        return "not known: give the price of a session with --price"
    sessions = f"{report.sessions} sessions at {money(report.price)}"
    each = report.all.cost_per_good_hour
    return f"{money(each)} an accepted hour; {sessions}" if each is not None else f"no accepted hour; {sessions}"


def _groups(name: str, groups: Sequence[Group]) -> list[str]:
    head = (name, "RECORDS", "GOOD", "REVIEW", "REJECT", "YIELD", "HOURS", "GOOD HOURS", "COST/GOOD HOUR")
    rows = [
        (
            group.name[:_NAME_LETTERS],
            *map(str, (group.records, group.good, group.waiting, group.rejected)),
            f"{group.good_share:.0%}",
            f"{group.hours:.2f}",
            f"{group.good_hours:.2f}",
            money(group.cost_per_good_hour),
        )
        for group in groups[:_ROWS_SHOWN]
    ]
    more = [f"and {len(groups) - _ROWS_SHOWN} more: see --json"] if len(groups) > _ROWS_SHOWN else []
    return [*table(head, rows, right={*range(1, 9)}), *more]


def _causes(report: DayReport) -> Iterator[str]:
    """One may have several reasons; MENDED are those that have none but this one and those above it."""
    yield f"why {report.all.rejected} were rejected"
    rows = [
        (
            one.code,
            str(one.episodes),
            percent(one.episodes, report.all.rejected),
            percent(one.mended, report.all.rejected),
        )
        for one in report.causes
    ]
    yield from table(("REASON", "RECORDS", "SHARE", "MENDED WITH THOSE ABOVE"), rows, right={1, 2, 3})


def percent(part: float, whole: float) -> str:
    """A share, small ones more exactly; `-` of nothing."""
    share = part / whole if whole else 0.0
    return "-" if not whole else f"{share:.2%}" if 0 < share < _SMALL_SHARE else f"{share:.1%}"
