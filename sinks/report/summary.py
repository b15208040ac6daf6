"""Adds facts up. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sinks.report.day import Day
from sinks.report.facts import Fact, Gathered

_NOT_SAID = "(not said)"

DAY_PLAN, YEAR_PLAN = 15_000, 3_000_000
"""Records a day, good records a year: what a large centre sets out to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """Records that belong together, and what their hours cost; `cost` None = no price is known."""

    name: str
    records: int
    good: int
    waiting: int
    rejected: int
    hours: float
    good_hours: float
    cost: float | None

    @property
    def good_share(self) -> float:
        """The yield: accepted of all."""
        return self.good / self.records if self.records else 0.0

    @property
    def cost_per_good_hour(self) -> float | None:
        """What an accepted hour cost; None without a price or an accepted hour."""
        return self.cost / self.good_hours if self.cost is not None and self.good_hours else None


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason for rejection.

    How many rejected episodes have it, and how many have no other reason than this one and those before it in the list:
    those would not have been rejected had these been mended.
    """

    code: str
    episodes: int
    mended: int


@dataclass(frozen=True, slots=True)
class DayReport:
    """A day. `by_hour`: records by the hour in which they stopped; `sessions`: operators at stations."""

    day: Day
    all: Group
    stations: Sequence[Group]
    tasks: Sequence[Group]
    operators: Sequence[Group]
    causes: Sequence[Cause]
    by_hour: Sequence[Group]
    sessions: int
    price: float | None
    day_plan: int
    year_plan: int
    year_good: int
    newest_ns: int
    source: str
    damaged: int


def summed(
    gathered: Gathered, day: Day, *, price: float | None, day_plan: int = DAY_PLAN, year_plan: int = YEAR_PLAN
) -> DayReport:
    """The report. A session, which has the price, is an operator at a station on this day.

    What a session cost is spread over its records by their length, so that each group has its share of it.
    """
    facts = gathered.facts
    costs = _costs(facts, price)

    def grouped(key: Callable[[Fact], str]) -> list[Group]:
        return _groups(facts, costs, key)

    hours = {str(hour): list[int]() for hour in range(day.hours)}
    for number, fact in enumerate(facts):
        hours[str(day.hour(fact.stopped_ns))].append(number)
    return DayReport(
        day=day,
        all=_group("all", range(len(facts)), facts, costs),
        stations=grouped(lambda fact: fact.robot),
        tasks=grouped(lambda fact: fact.task or _NOT_SAID),
        operators=grouped(lambda fact: fact.operator or _NOT_SAID),
        causes=_causes(facts),
        by_hour=[_group(hour, numbers, facts, costs) for hour, numbers in hours.items()],
        sessions=len({_session(fact) for fact in facts}),
        price=price,
        day_plan=day_plan,
        year_plan=year_plan,
        year_good=gathered.year_good,
        newest_ns=gathered.newest_ns,
        source=gathered.source,
        damaged=gathered.damaged,
    )


def _session(fact: Fact) -> tuple[str, str]:
    return fact.robot, fact.operator


def _costs(facts: Sequence[Fact], price: float | None) -> Sequence[float] | None:
    """Each record's share of its session's price, by length; equal shares where none has a length."""
    if price is None:
        return None
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    records: Counter[tuple[str, str]] = Counter()
    for fact in facts:
        seconds[_session(fact)] += fact.seconds
        records[_session(fact)] += 1
    return [
        price * (fact.seconds / whole if (whole := seconds[_session(fact)]) else 1 / records[_session(fact)])
        for fact in facts
    ]


def _groups(facts: Sequence[Fact], costs: Sequence[float] | None, key: Callable[[Fact], str]) -> list[Group]:
    """Those with most records first."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for number, fact in enumerate(facts):
        numbers[key(fact)].append(number)
    groups = (_group(name, of_group, facts, costs) for name, of_group in numbers.items())
    return sorted(groups, key=lambda group: (-group.records, group.name))


def _group(name: str, numbers: Iterable[int], facts: Sequence[Fact], costs: Sequence[float] | None) -> Group:
    chosen = list(numbers)
    decisions = Counter(facts[number].decision for number in chosen)
    return Group(
        name=name,
        records=len(chosen),
        good=decisions["accept"],
        waiting=decisions["review"],
        rejected=decisions["reject"],
        hours=sum(facts[number].seconds for number in chosen) / 3600,
        good_hours=sum(facts[number].seconds for number in chosen if facts[number].decision == "accept") / 3600,
        cost=None if costs is None else sum(costs[number] for number in chosen),
    )


def _causes(facts: Sequence[Fact]) -> list[Cause]:
    """Most frequent first."""
    rejected = [frozenset(fact.rejected_by) for fact in facts if fact.rejected_by]
    counts = Counter(code for codes in rejected for code in codes)
    ordered = sorted(counts, key=lambda code: (-counts[code], code))
    rank = {code: number for number, code in enumerate(ordered)}
    last = Counter(max(rank[code] for code in codes) for codes in rejected)
    mended = accumulate(last[number] for number in range(len(ordered)))
    return [Cause(code, counts[code], count) for code, count in zip(ordered, mended, strict=True)]
