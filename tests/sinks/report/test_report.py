import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from saltwell.contracts.results import Reason, Review
from saltwell.errors import StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.episodes.commit import commit
from sinks.episodes.reviews import put_review
from sinks.report.charts import nice_top
from sinks.report.command import report
from sinks.report.day import Day, day_of
from sinks.report.facts import BY_A_PERSON, Fact, Gathered
from sinks.report.page import html_page
from sinks.report.summary import DayReport, summed
from sinks.report.text import report_object, report_page
from sinks.store import Store, open_store

MakeTake = Callable[..., Any]
DAY = Day(dt.date(2026, 1, 1), ZoneInfo("UTC"))
HOSTILE = '"><script>alert(1)</script>&\x1b[2J'


@st.composite
def facts(draw: st.DrawFn) -> Fact:
    decision = draw(st.sampled_from(["accept", "review", "reject"]))
    codes = draw(st.sets(st.sampled_from("abcd"), min_size=1))
    return Fact(
        robot=draw(st.sampled_from(["g1", "g2"])),
        operator=draw(st.sampled_from(["", "ana", "bo"])),
        task=draw(st.sampled_from(["", "sort", "stack"])),
        decision=decision,
        rejected_by=tuple(sorted(codes)) if decision == "reject" else (),
        seconds=draw(st.floats(0, 3600)),
        stopped_ns=draw(st.integers(DAY.begin_ns, DAY.end_ns - 1)),
    )


def summed_up(found: list[Fact], *, price: float | None = 1000.0, **more: Any) -> DayReport:
    return summed(Gathered(found, 0, 0, "nothing"), DAY, price=price, **more)


@given(st.lists(facts(), max_size=30))
def test_no_record_hour_or_yuan_is_lost_or_counted_twice(found: list[Fact]) -> None:
    result = summed_up(found)
    assert result.all.records == len(found)
    assert result.all.cost == pytest.approx(1000 * result.sessions)
    for groups in (result.stations, result.tasks, result.operators, result.by_hour):
        assert sum(one.records for one in groups) == len(found)
        assert all(one.good + one.waiting + one.rejected == one.records for one in groups)
        assert sum(one.hours for one in groups) == pytest.approx(result.all.hours)
        assert sum(one.good_hours for one in groups) == pytest.approx(result.all.good_hours)
        assert sum(one.cost or 0 for one in groups) == pytest.approx(result.all.cost)
    assert result.all.good_hours <= result.all.hours


@given(st.lists(facts(), max_size=30))
def test_reasons_stand_by_number_and_all_of_them_mended_leaves_no_reject(found: list[Fact]) -> None:
    result = summed_up(found)
    counts = [one.episodes for one in result.causes]
    assert counts == sorted(counts, reverse=True)
    mended = [one.mended for one in result.causes]
    assert mended == sorted(mended)
    if mended:
        assert mended[-1] == result.all.rejected
    assert all(one.episodes == sum(one.code in fact.rejected_by for fact in found) for one in result.causes)


@given(
    st.integers(978_307_200, 2_524_608_000),
    st.sampled_from(["UTC", "Asia/Shanghai", "Europe/Berlin"]),
)
def test_every_moment_is_of_one_day_and_one_hour_of_it(time_s: int, zone: str) -> None:
    time_ns = time_s * 10**9
    today = Day(dt.datetime.fromtimestamp(time_s, ZoneInfo(zone)).date(), ZoneInfo(zone))
    assert time_ns in today
    assert time_ns not in Day(today.date + dt.timedelta(days=1), today.zone)
    assert time_ns not in Day(today.date - dt.timedelta(days=1), today.zone)
    assert 0 <= today.hour(time_ns) < today.hours
    assert today.in_year_so_far(time_ns)
    assert 0 < today.year_share <= 1


def test_a_day_on_which_clocks_change_has_another_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert [Day(dt.date(2026, month, day), berlin).hours for month, day in ((3, 29), (10, 25), (7, 1))] == [23, 25, 24]
    with pytest.raises(StopError, match="is no time zone"):
        day_of(None, "Sichuan/Zigong")


@given(st.floats(1e-6, 1e12))
def test_a_scale_ends_at_a_round_number_that_is_not_much_too_large(value: float) -> None:
    assert value * (1 - 1e-6) <= nice_top(value) <= 2.51 * value


@pytest.fixture
def filled(tmp_path: Path, make_take: MakeTake) -> Store:
    """Takes of a second on 2026-01-01: two accepted (ana at g1), one rejected for two reasons (bo at g2); 2 others."""
    store = open_store(str(tmp_path / "store"), create=True)

    def put(name: str, robot: str, operator: str, decision: str, codes: str = "", *, days: int = 0) -> None:
        take = make_take(episode=name, robot=robot, task="sort")
        manifest = replace(
            take.manifest,
            decision=decision,
            reasons=tuple(Reason(code, "", "reject", 0.0, 0.0, "", 0, 0, "") for code in codes),
            started_ns=take.manifest.started_ns + days * 86_400 * 10**9,
            stopped_ns=take.manifest.stopped_ns + days * 86_400 * 10**9,
            provenance=replace(take.manifest.provenance, source={"operator": operator} if operator else {}),
        )
        commit(store, manifest, take.file)

    put("take-1", "g1", "ana", "accept")
    put("take-2", "g1", "ana", "accept")
    put("take-3", "g2", "bo", "reject", "ab")
    put("take-4", "g2", "", "accept", days=-1)
    put("take-5", "g2", "", "accept", days=4)
    return store


def run(store: Store, *args: str) -> Result:
    return CliRunner().invoke(report, [*args, "--store", store.url], catch_exceptions=False)


def test_a_day_is_counted_by_station_task_and_operator(filled: Store) -> None:
    told = json.loads(run(filled, "--day", "2026-01-01", "--price", "1000", "--json").output)
    assert (told["records"], told["good"], told["rejected"], told["sessions"]) == (3, 2, 1, 2)
    assert told["yield"] == pytest.approx(2 / 3)
    assert [(one["name"], one["records"], one["good"]) for one in told["stations"]] == [("g1", 2, 2), ("g2", 1, 0)]
    assert [(one["name"], one["good_hours"] > 0) for one in told["operators"]] == [("ana", True), ("bo", False)]
    assert [(one["name"], one["records"]) for one in told["tasks"]] == [("sort", 3)]
    assert told["rejected_by"] == [
        {"code": "a", "episodes": 1, "mended": 0},
        {"code": "b", "episodes": 1, "mended": 1},
    ]
    assert told["good_hours"] == pytest.approx(2 / 3600, rel=0.01)
    assert told["cost_per_good_hour"] == pytest.approx(2000 / told["good_hours"])
    assert told["year"]["good"] == 2
    assert json.loads(run(filled, "--day", "2026-01-05", "--json").output)["year"]["good"] == 3


def test_what_people_said_counts(filled: Store) -> None:
    word = Review("zigong", "g1", "take-1", "eva", 1, "reject", "", "the box fell")
    put_review(filled, word)
    put_review(filled, replace(word, robot="g2", episode="take-3", decision="accept", task="stack"))

    told = json.loads(run(filled, "--day", "2026-01-01", "--json").output)

    assert {one["name"]: one["good"] for one in told["stations"]} == {"g1": 1, "g2": 1}
    assert {one["name"]: one["records"] for one in told["tasks"]} == {"sort": 2, "stack": 1}
    assert told["rejected_by"] == [{"code": BY_A_PERSON, "episodes": 1, "mended": 1}]


def test_the_catalogue_counts_as_the_manifests_do(filled: Store) -> None:
    word = Review("zigong", "g1", "take-1", "eva", 1, "reject", "", "the box fell")
    put_review(filled, word)
    put_review(filled, replace(word, robot="g2", episode="take-4", decision="reject"))
    days = ("2025-12-31", "2026-01-01", "2026-01-02", "2026-01-05")
    by_manifests = [json.loads(run(filled, "--day", day, "--price", "9", "--json").output) for day in days]
    assert by_manifests[0].pop("source") == "5 manifests"

    catalogue = Catalogue(filled)
    catalogue.create()
    catalogue.add_missing(lambda: None)

    by_catalogue = [json.loads(run(filled, "--day", day, "--price", "9", "--json").output) for day in days]
    assert by_catalogue[0].pop("source") == "the catalogue, whose newest episode is of 2026-01-05 00:00"
    for one in (*by_manifests[1:], *by_catalogue[1:]):
        one.pop("source")
    assert by_catalogue == by_manifests


def test_the_day_is_that_of_the_centre(filled: Store) -> None:
    assert json.loads(run(filled, "--day", "2026-01-01", "--zone", "America/New_York", "--json").output)["records"] == 0
    assert json.loads(run(filled, "--day", "2025-12-31", "--zone", "America/New_York", "--json").output)["records"] == 3


def test_damage_is_said_and_a_day_without_records_says_where_they_are(filled: Store) -> None:
    assert "the newest episode is of 2026-01-05" in run(filled, "--day", "2026-01-02").output
    (key,) = (key for key in filled.list("episodes/g1/take-1") if key.endswith("manifest.json"))
    filled.put(key, b"{}")
    output = run(filled, "--day", "2026-01-01").output
    assert "5 manifests; 1 damaged ones are left out" in output
    assert output.startswith("2026-01-01 UTC: 2 records, 0.01% of 15000\n")


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in {"meta", "rect", "line"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_nothing_else_and_names_can_do_nothing_in_it() -> None:
    hostile = Fact(HOSTILE, HOSTILE, HOSTILE, "reject", (HOSTILE,), 5.0, DAY.begin_ns)
    accepted = replace(hostile, decision="accept", rejected_by=())
    text = html_page(summed_up([hostile, accepted]))

    page = Page(text)
    assert page.open == []
    assert {"script", "link", "img", "iframe"}.isdisjoint(page.tags)
    assert not {name for name, _ in page.attributes} & {"src", "href", "onload"}
    assert not re.search(r"url\(|@import|https?:", text)
    assert page.tags.count("svg") == 7
    assert "\x1b" not in report_page(summed_up([hostile]))


def test_a_page_of_nothing_and_one_of_many_can_be_made(tmp_path: Path, filled: Store) -> None:
    assert "<svg" in html_page(summed_up([], price=None))
    many = [Fact(f"g{n}", "", "", "accept", (), 1.0, DAY.begin_ns) for n in range(500)]
    assert "and 300 more" in html_page(summed_up(many))
    assert "and 460 more: see --json" in report_page(summed_up(many))
    assert len(report_object(summed_up(many))["stations"]) == 500

    file = tmp_path / "day.html"
    assert run(filled, "--day", "2026-01-01", "--html", str(file)).exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    refused = CliRunner().invoke(report, ["--html", "/nowhere/day.html", "--store", filled.url])
    assert isinstance(refused.exception, StopError)
