"""`python -m bench.catalogue`: what questions to the catalogue of a year cost, and a commit into it."""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pyarrow as pa

from bench.store_ledger import fill
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.query import find
from sinks.catalogue.rows import EPISODES, REVIEWS, month_of, table_of
from sinks.lifecycle.fsck import Check
from sinks.store import open_store

_WRITTEN = Path("build/catalogue.json")
_START_NS = 1_767_225_600_000_000_000  # 2026-01-01
_YEAR_NS = 365 * 24 * 3600 * 1_000_000_000
_BATCH = 50_000
_TIMES = 5
_COMMITS = 60  # of an hour
_MARKERS = 2_000
_REVIEWED = 20  # every so many-th episode
_TASKS = ["sort", "fold", "pour", "stack", "wipe", "open the drawer", "hand over", "put into the bin"]
_REASONS = ["loss", "gap", "freeze", "idle", "torque", "blur"]

_QUESTIONS = {
    "newest 1000": ("", {}),
    "a task, accepted": ("task = 'sort' and decision = 'accept'", {}),
    "the same, last 7 days": (
        "task = 'sort' and decision = 'accept'",
        {"since_ns": _START_NS + _YEAR_NS - 7 * 86_400 * 10**9},
    ),
    "a robot with a reason": ("robot = 'g1-017' and list_contains(reasons, 'torque')", {}),
    "one by its number": ("episode LIKE '%-16e360'", {}),
    "reviewed otherwise": ("decision <> verdict", {}),
    "lost more than 1 %": ("frames_lost > 0.01 * frames_sent", {}),
}


@click.command()
@click.option("--episodes", "count", default=3_000_000, show_default=True, help="Rows of the table.")
@click.option("--folder", default=None, type=click.Path(path_type=Path), help="Keep the table there, and use it again.")
def main(count: int, folder: Path | None) -> None:
    """Generate a year of episodes, 1 in 20 reviewed; time questions, a commit, a compaction. To build/catalogue.json.

    \b
    Example:
      python -m bench.catalogue
    """
    with tempfile.TemporaryDirectory() as scratch:
        catalogue = Catalogue(open_store(str(folder or Path(scratch)), create=True))
        made_s = _seconds(lambda: _fill(catalogue, count))
        figures: dict[str, Any] = {
            "episodes": catalogue.episodes.count(),
            "files": catalogue.episodes.files(),
            "table_mb": _megabytes(Path(catalogue.store.url)),
            "made_s": round(made_s, 1),
            "questions_s": {name: _asked(catalogue, *question) for name, question in _QUESTIONS.items()},
            "commit_s": _commits(catalogue, count),
            "compaction_s": round(_seconds(catalogue.compact), 2),
        }
    with tempfile.TemporaryDirectory() as scratch:
        figures["of_markers"] = _of_markers(Path(scratch))
    _WRITTEN.parent.mkdir(exist_ok=True)
    _WRITTEN.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


def _fill(catalogue: Catalogue, count: int) -> None:
    catalogue.create()
    if catalogue.episodes.count():
        return
    chance = random.Random(1)  # noqa: S311 - no secret
    step_ns = _YEAR_NS // count
    for table, schema, columns in (
        (catalogue.episodes, EPISODES, lambda first, n: _episodes(chance, first, n, step_ns)),
        (catalogue.reviews, REVIEWS, lambda first, n: _reviews(first, n, step_ns)),
    ):
        batches = _batches(columns, schema, count)
        table.replace(pa.RecordBatchReader.from_batches(schema, batches))


def _batches(
    columns: Callable[[int, int], dict[str, list[Any]]], schema: pa.Schema, count: int
) -> Iterator[pa.RecordBatch]:
    for first in range(0, count, _BATCH):
        yield pa.RecordBatch.from_pydict(columns(first, min(_BATCH, count - first)), schema=schema)


def _name(number: int, step_ns: int) -> str:
    moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime((_START_NS + number * step_ns) // 10**9))
    return f"{moment}-g1-{number % 250:03d}-{number % 0x1000000:06x}"


def _episodes(chance: random.Random, first: int, n: int, step_ns: int) -> dict[str, list[Any]]:
    numbers = range(first, first + n)
    stopped = [_START_NS + number * step_ns for number in numbers]
    names = [_name(number, step_ns) for number in numbers]
    decisions = chance.choices(["accept", "review", "reject"], [80, 12, 8], k=n)
    return {
        "episode": names,
        "site": ["zigong"] * n,
        "robot": [f"g1-{number % 250:03d}" for number in numbers],
        "operator": [f"operator-{number % 400}" for number in numbers],
        "subject": [f"subject-{number % 700}" for number in numbers],
        "task": chance.choices(_TASKS, k=n),
        "success": [True] * n,
        "decision": decisions,
        "reasons": [[] if one == "accept" else chance.choices(_REASONS, k=2) for one in decisions],
        "rejected_by": [chance.choices(_REASONS, k=1) if one == "reject" else [] for one in decisions],
        "criteria_version": ["1-ab12"] * n,
        "ending": ["stopped"] * n,
        "started_ns": [at - 60 * 10**9 for at in stopped],
        "stopped_ns": stopped,
        "steps": [1800] * n,
        "frames_sent": [95_000] * n,
        "frames_lost": [int(chance.expovariate(0.01)) for _ in numbers],
        "skew_p99_ns": [chance.gauss(2e7, 4e6) for _ in numbers],
        "bytes": [chance.randrange(10**8, 2 * 10**9) for _ in numbers],
        "manifest_sha256": [f"{chance.getrandbits(256):064x}" for _ in numbers],
        "archive": ["stored"] * n,
        "month": [month_of(at) for at in stopped],
    }


def _reviews(first: int, n: int, step_ns: int) -> dict[str, list[Any]]:
    numbers = [number for number in range(first, first + n) if number % _REVIEWED == 0]
    at = [_START_NS + number * step_ns + 3600 * 10**9 for number in numbers]
    names = [_name(number, step_ns) for number in numbers]
    return {
        "review": [f"{name}/{ns:020d}-00000000" for name, ns in zip(names, at, strict=True)],
        "episode": names,
        "site": ["zigong"] * len(names),
        "robot": [f"g1-{number % 250:03d}" for number in numbers],
        "reviewer": [f"reviewer-{number % 7}" for number in numbers],
        "reviewed_ns": at,
        "decision": ["accept" if number % 3 else "reject" for number in numbers],
        "task": [""] * len(names),
        "note": [""] * len(names),
        "month": [month_of(ns) for ns in at],
    }


def _asked(catalogue: Catalogue, where: str, more: dict[str, int]) -> dict[str, Any]:
    """Median and largest of some tries, each as a command does it: the table is looked at anew."""

    def ask() -> None:
        catalogue.read()
        found.append(find(catalogue, where, **more).total)

    found: list[int] = []
    tries = [_seconds(ask) for _ in range(_TIMES)]
    return {"median": round(statistics.median(tries), 3), "max": round(max(tries), 3), "found": found[-1]}


def _commits(catalogue: Catalogue, count: int) -> float:
    """Median of an hour's commits of six episodes, which are a minute's; one of them is there already."""
    step_ns = _YEAR_NS // count
    tries = []
    for k in range(_COMMITS):
        columns = _episodes(random.Random(k), count - 1 + 5 * k, 6, step_ns)  # noqa: S311 - no secret
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]

        def commit(rows: list[dict[str, Any]] = rows) -> None:
            catalogue.create()
            catalogue.episodes.append(table_of(rows, EPISODES))

        tries.append(_seconds(commit))
    return round(statistics.median(tries), 3)


def _of_markers(folder: Path) -> dict[str, float]:
    """Seconds to make a catalogue of a store, to find that nothing is missing, and to check the store's episodes."""
    fill(folder, _MARKERS)
    catalogue = Catalogue(open_store(str(folder)))
    made_s = _seconds(lambda: catalogue.rebuild(lambda _: None))
    catalogue.read()
    looked_s = _seconds(lambda: catalogue.add_missing(lambda: None))
    check = Check(catalogue.store, deep=False, now_ns=time.time_ns())
    checked_s = _seconds(lambda: [*check.findings()])
    figures = {"rebuild_s": made_s, "nothing_missing_s": looked_s, "fsck_s": checked_s}
    return {"episodes": _MARKERS, **{name: round(seconds, 2) for name, seconds in figures.items()}}


def _seconds(act: Callable[[], object]) -> float:
    began_s = time.monotonic()
    act()
    return time.monotonic() - began_s


def _megabytes(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e6, 1)


if __name__ == "__main__":
    main()
