"""What reports count: the episodes of a day, and how many good ones the year has so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from saltwell.contracts.identity import Decision
from saltwell.contracts.results import Review
from sinks.episodes.finished import DamagedEpisode, list_episodes, load_episodes
from sinks.episodes.manifest import Manifest
from sinks.episodes.reviews import all_reviews, corrected, standing
from sinks.report.day import Day
from sinks.store import Store

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
    return _from_manifests(store, day)


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
    codes = sorted({reason.code for reason in manifest.reasons if reason.severity == "reject"})
    return Fact(
        robot=manifest.robot,
        operator=manifest.provenance.source.get("operator", ""),
        task=said.task,
        decision=said.decision,
        rejected_by=_why(said.decision, codes),
        seconds=max((manifest.stopped_ns - manifest.started_ns) / 1e9, 0.0),
        stopped_ns=manifest.stopped_ns,
    )


def _why(decision: Decision, codes: Sequence[str]) -> Sequence[str]:
    if decision != "reject":
        return ()
    return tuple(codes) or (BY_A_PERSON,)
