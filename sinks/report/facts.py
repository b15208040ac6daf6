"""What reports count: the episodes of a day, and how many good ones the year has so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from saltwell.contracts.identity import Decision
from saltwell.contracts.results import Review
from saltwell.errors import StopError
from sinks.catalogue.present import catalogue_of
from sinks.episodes.finished import DamagedEpisode, list_episodes, load_episodes
from sinks.episodes.manifest import Manifest, rejecting
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.report.day import Day
from sinks.store import Store

if TYPE_CHECKING:
    from sinks.catalogue.catalogue import Catalogue

_MOST_RECORDS = 500_000

BY_A_PERSON = "a person's word"
"""Stands for the reason of a reject that no criterion gave."""


@dataclass(frozen=True, slots=True)
class Fact:
    """An episode as reports count it: decision and task as the last review has them."""

    robot: str
    operator: str
    task: str
    decision: Decision
    rejected_by: Sequence[str]
    seconds: float
    stopped_ns: int


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is known of a day.

    `year_good` counts accepted episodes from the year's begin to the day's end. `newest_ns` is when the newest episode
    of all stopped, 0 = there is none. `source` says where it was read, `damaged` how many could not be.
    """

    facts: Sequence[Fact]
    year_good: int
    newest_ns: int
    source: str
    damaged: int = 0


def gather(store: Store, day: Day) -> Gathered:
    """From the catalogue when the store has one; else every manifest is read. Raises what reading them raises."""
    catalogue = catalogue_of(store)
    return _from_manifests(store, day) if catalogue is None else _from_catalogue(catalogue, day)


def _from_catalogue(catalogue: "Catalogue", day: Day) -> Gathered:
    from sinks.catalogue.query import find  # noqa: PLC0415 - a large library, only when there is a catalogue

    there = f"archive <> 'erased' and stopped_ns < {day.end_ns}"
    of_day = find(catalogue, there, since_ns=day.begin_ns, limit=_MOST_RECORDS)
    if of_day.total > len(of_day.rows):
        raise StopError(f"{of_day.total} records on {day.date}: a report counts {_MOST_RECORDS} at most")
    good = find(catalogue, f"{there} and decision = 'accept'", since_ns=day.year_begin_ns, limit=1)
    newest_ns = max((row["stopped_ns"] for row in find(catalogue, limit=1).objects()), default=0)
    return Gathered(
        [_fact_of_row(row) for row in of_day.objects()],
        good.total,
        newest_ns,
        f"the catalogue, whose newest episode is of {day.moment_of(newest_ns)}" if newest_ns else "an empty catalogue",
    )


def _fact_of_row(row: Mapping[str, Any]) -> Fact:
    return Fact(
        robot=row["robot"],
        operator=row["operator"],
        task=row["task"],
        decision=row["decision"],
        rejected_by=_why(row["decision"], row["rejected_by"]),
        seconds=max(row["seconds"], 0.0),
        stopped_ns=row["stopped_ns"],
    )


def _from_manifests(store: Store, day: Day) -> Gathered:
    reviews = standing(all_reviews(store))
    facts: list[Fact] = []
    count = year_good = newest_ns = damaged = 0
    for one in load_episodes(store, list_episodes(store)):
        count += 1
        if isinstance(one, DamagedEpisode):
            damaged += 1
            continue
        fact = fact_of(one.manifest, reviews)
        newest_ns = max(newest_ns, fact.stopped_ns)
        year_good += day.in_year_so_far(fact.stopped_ns) and fact.decision == "accept"
        if fact.stopped_ns in day:
            facts.append(fact)
    return Gathered(facts, year_good, newest_ns, f"{count} manifests", damaged)


def fact_of(manifest: Manifest, reviews: Mapping[str, Review]) -> Fact:
    """What counts of an episode."""
    said = corrected(manifest, reviews.get(manifest.episode))
    return Fact(
        robot=manifest.robot,
        operator=manifest.provenance.source.get("operator", ""),
        task=said.task,
        decision=said.decision,
        rejected_by=_why(said.decision, rejecting(manifest)),
        seconds=max((manifest.stopped_ns - manifest.started_ns) / 1e9, 0.0),
        stopped_ns=manifest.stopped_ns,
    )


def _why(decision: Decision, codes: Sequence[str]) -> Sequence[str]:
    if decision != "reject":
        return ()
    return tuple(codes) or (BY_A_PERSON,)
