"""A day's report as one HTML page that needs nothing else: no script, no font, no picture from anywhere. Pure."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from sinks.report.charts import Bar, bars, columns, progress
from sinks.report.summary import Cause, DayReport, Group
from sinks.report.text import money, percent

_BARS_SHOWN = 25
_ROWS_SHOWN = 200
_LEGEND = (
    '<p class="legend"><i class="good"></i>good <i class="review"></i>waits for review'
    ' <i class="reject"></i>rejected</p>'
)


def html_page(report: DayReport) -> str:
    """The whole page."""
    style = files("sinks.report").joinpath("page.css").read_text(encoding="utf-8")
    title = f"Records of {report.day.date}"
    about = f"{escape(report.day.zone.key)} time; counted from {escape(report.source)}{_notes(report)}"
    body = "\n".join(
        [
            f"<h1>{title}</h1><p class='muted'>{about}</p>",
            f"<div class='tiles'>{''.join(_tiles(report))}</div>",
            f"<section><h2>Records by the hour they ended</h2>{_LEGEND}{_hours(report)}</section>",
            _reasons(report),
            _section("Stations", report.stations),
            _section("Tasks", report.tasks),
            _section("Operators", report.operators),
        ]
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head><body>{body}</body></html>\n'
    )


def _notes(report: DayReport) -> str:
    notes = [f"{report.damaged} damaged episodes are left out"] if report.damaged else []
    if not report.all.records and report.newest_ns:
        notes.append(f"nothing stopped on this day; the newest episode is of {report.day.moment_of(report.newest_ns)}")
    return "".join(f". {note}" for note in notes)


def _tiles(report: DayReport) -> list[str]:
    whole = report.all
    of_day = percent(whole.records, report.day_plan)
    of_year = percent(report.year_good, report.year_plan)
    over = f"{report.day.year_share:.1%} of the year is over"
    day_bar = progress(whole.records / report.day_plan)
    year_bar = progress(report.year_good / report.year_plan, pace=report.day.year_share)
    return [
        _tile("records", f"{whole.records:,}", f"{of_day} of {report.day_plan:,} planned", day_bar),
        _tile("good records", f"{whole.good:,}", f"yield {whole.good_share:.1%}; {whole.waiting:,} wait for review"),
        _tile("good hours", f"{whole.good_hours:,.1f}", f"of {whole.hours:,.1f} recorded"),
        _tile("cost of a good hour", money(whole.cost_per_good_hour), _sessions(report)),
        _tile(
            "good records this year",
            f"{report.year_good:,}",
            f"{of_year} of {report.year_plan:,}; {over}",
            year_bar,
        ),
    ]


def _sessions(report: DayReport) -> str:
    return "no price given" if report.price is None else f"{report.sessions} sessions at {money(report.price)}"


def _tile(name: str, value: str, note: str, more: str = "") -> str:
    return f"<div class='tile'><span>{name}</span><b>{value}</b><span>{escape(note)}</span>{more}</div>"


def _hours(report: DayReport) -> str:
    return columns([_parts(group) for group in report.by_hour], title="records by hour")


def _reasons(report: DayReport) -> str:
    if not report.causes:
        return ""
    chart = bars([_bar(cause, report.all.rejected) for cause in report.causes[:_BARS_SHOWN]], title="reasons")
    about = (
        f"Of {report.all.rejected:,} rejected records; one may have several reasons. The tick: how many of them have no"
        " other reason than this one and those above it, so had these been mended they would not have been rejected."
    )
    return f"<section><h2>Why records were rejected</h2><p class='muted'>{about}</p>{chart}</section>"


def _bar(cause: Cause, rejected: int) -> Bar:
    value = f"{cause.episodes:,}, {percent(cause.episodes, rejected)}; mended {percent(cause.mended, rejected)}"
    return Bar(cause.code, [("reject", cause.episodes)], value, tick=cause.mended)


def _section(name: str, groups: Sequence[Group]) -> str:
    if not groups:
        return ""
    rows = [Bar(one.name, _parts(one), f"{one.good_share:.0%} of {one.records:,}") for one in groups[:_BARS_SHOWN]]
    return f"<section><h2>{name}</h2>{_LEGEND}{bars(rows, title=name)}{_table(groups)}</section>"


def _parts(group: Group) -> list[tuple[str, float]]:
    return [("good", group.good), ("review", group.waiting), ("reject", group.rejected)]


def _table(groups: Sequence[Group]) -> str:
    head = ("", "records", "good", "review", "rejected", "yield", "hours", "good hours", "cost of a good hour")
    rows = [
        (
            one.name,
            *(f"{count:,}" for count in (one.records, one.good, one.waiting, one.rejected)),
            f"{one.good_share:.1%}",
            f"{one.hours:,.2f}",
            f"{one.good_hours:,.2f}",
            money(one.cost_per_good_hour),
        )
        for one in groups[:_ROWS_SHOWN]
    ]
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    more = f"<p class='muted'>and {len(groups) - _ROWS_SHOWN:,} more</p>" if len(groups) > _ROWS_SHOWN else ""
    return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{lines}</table>{more}"
