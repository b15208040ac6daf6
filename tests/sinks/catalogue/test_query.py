import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from saltwell.errors import StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.command import catalogue as command
from sinks.catalogue.query import find
from sinks.catalogue.table import DamagedTable, Table
from sinks.episodes.command import episodes
from sinks.episodes.layout import marker_key
from sinks.store import Store, open_store

START_NS = 1_767_225_600_000_000_000  # 2026-01-01
DAY_NS = 24 * 3600 * 1_000_000_000


@pytest.fixture
def catalogue(tmp_path: Any, finish: Any, catalogued: Any, review_of: Any) -> Catalogue:
    """Four episodes, a day apart; of two somebody said something."""
    store = open_store(str(tmp_path / "store"), create=True)
    for number, (task, decision) in enumerate(
        [("sort", "accept"), ("sort", "reject"), ("fold", "review"), ("", "accept")]
    ):
        finish(store, f"e{number}", task=task, decision=decision, stopped_ns=START_NS + number * DAY_NS)
    found: Catalogue = catalogued(store)
    found.add_reviews(
        [
            review_of("e1", "accept", at_ns=START_NS, reviewer="bo"),
            review_of("e1", "review", at_ns=START_NS - 1),
            review_of("e2", "", at_ns=START_NS, task="sort", note="not folding"),
        ]
    )
    return found


def listed(catalogue: Catalogue, where: str = "", **more: Any) -> list[str]:
    return [row["episode"] for row in find(catalogue, where, **more).objects()]


def test_an_expression_chooses_episodes_by_what_people_said_last(catalogue: Catalogue) -> None:
    assert listed(catalogue) == ["e0", "e1", "e2", "e3"]
    assert listed(catalogue, "task = 'sort' and decision = 'accept'") == ["e0", "e1"]
    assert listed(catalogue, "task = 'sort' and decision = 'accept' -- as I said") == ["e0", "e1"]
    assert listed(catalogue, "decision <> verdict") == ["e1"]
    assert listed(catalogue, "reviewer is not null and list_contains(reasons, 'loss')") == ["e1", "e2"]
    assert listed(catalogue, "stopped >= '2026-01-03' and seconds > 1") == ["e2", "e3"]


def test_what_was_measured_and_said_stands_in_the_row(catalogue: Catalogue) -> None:
    (row,) = find(catalogue, "episode = 'e2'").objects()

    assert (row["task"], row["decision"], row["verdict"]) == ("sort", "review", "review")
    assert (row["reviewer"], row["review_note"], str(row["reviewed"])) == ("ana", "not folding", "2026-01-01 00:00:00")
    assert (row["frames_sent"], row["frames_lost"], row["steps"], row["skew_p99_ms"]) == (16, 1, 7, 1.5)
    assert (row["robot"], row["site"], row["archive"], row["reasons"]) == ("g1-04", "zigong", "stored", ["loss"])


@pytest.mark.parametrize("times", [(-(2**63), 2**63 - 1), (2**63 - 1, -(2**63))])
def test_an_episode_of_times_without_measure_does_not_hide_the_others(
    catalogue: Catalogue, finish: Any, times: tuple[int, int]
) -> None:
    finish(catalogue.store, "odd", started_ns=times[0], stopped_ns=times[1])
    catalogue.add_episodes(["odd"])

    assert set(listed(catalogue)) == {"e0", "e1", "e2", "e3", "odd"}
    assert listed(catalogue, "abs(seconds) > 1e9") == ["odd"]


def test_the_newest_are_shown_last_and_all_are_counted(catalogue: Catalogue) -> None:
    found = find(catalogue, limit=2)

    assert ([row["episode"] for row in found.objects()], found.total) == (["e2", "e3"], 4)
    assert listed(catalogue, since_ns=START_NS + DAY_NS) == ["e1", "e2", "e3"]
    assert listed(catalogue, "decision = 'reject'", since_ns=START_NS) == []


REFUSED = [
    "decission = 'accept'",
    "1 = 1; DROP TABLE episodes",
    "1 = 1 FROM stored_reviews",
    "1 = 1) UNION SELECT * FROM episodes WHERE (1 = 1",
    "episode, task",
    "count(*) > 1",
    "episode = ",
    "episode = 'e1' /* and",
    "episode IN (SELECT content FROM read_text('{secret}'))",
    "(SELECT count(*) FROM read_csv('{secret}')) > 0",
    "(SELECT count(*) FROM glob('/etc/*')) > 0",
    "(SELECT count(*) FROM '{secret}') > 0",
    "(SELECT count(*) FROM catalogue) > 0",
    "getenv('HOME') <> ''",
    "(" * 1500 + "1 = 1" + ")" * 1500,
    "episode = '\ud800'",
    "a" * 4001,
    "stored_episodes.x = 1",
    "error('stored_episodes')",
    "cast(episode as int) = 1",
    "episode = 'e1'\0",
    "$1 = episode",
    "\u202ename = 1",
]


def test_what_is_no_expression_on_the_columns_is_refused_in_one_line(catalogue: Catalogue, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("do not tell")
    for where in REFUSED:
        with pytest.raises(StopError) as refused:
            find(catalogue, where.format(secret=tmp_path / "secret"))

        message = str(refused.value)
        assert "\n" not in message
        assert message.isascii()
        assert "columns: episode, site, robot," in message or "more than 4000" in message
        assert "do not tell" not in message


def test_a_question_that_takes_too_long_is_ended(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.catalogue.query._MOST_S", 0.3)

    with pytest.raises(StopError, match="takes longer"):
        find(catalogue, "(SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range + b.range = 7) > 0")


def test_a_file_that_is_gone_is_no_fault_of_the_expression(catalogue: Catalogue) -> None:
    for path in catalogue.episodes.paths():
        Path(path).unlink()

    with pytest.raises(StopError, match="can't be read: ask again, or `saltwell catalogue rebuild`"):
        find(catalogue, "task = 'sort'")


@pytest.mark.parametrize("by_arrow", [False, True], ids=["duckdb", "arrow, as on S3"])
def test_a_file_that_is_damaged_is_no_fault_of_the_expression(
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    by_arrow: bool,  # noqa: FBT001 - pytest passes by name
) -> None:
    for path in map(Path, catalogue.episodes.paths()):
        data = path.read_bytes()
        path.write_bytes(data[:100] + bytes(400) + data[500:])
    if by_arrow:
        monkeypatch.setattr(Table, "paths", lambda _: [])

    with pytest.raises(StopError, match="can't be read: ask again, or `saltwell catalogue rebuild`"):
        find(catalogue, "robot = 'g1-04'")


def test_a_text_that_is_none_is_damage(catalogue: Catalogue) -> None:
    (first, *_) = catalogue.episodes.paths()
    rows = pq.read_table(first)
    for column in ("episode", "task"):
        spoilt = pa.array([b"\xbf"] * len(rows), pa.binary()).view(pa.string())
        pq.write_table(rows.set_column(rows.column_names.index(column), column, spoilt), first)

        with pytest.raises(StopError, match="can't be read: ask again, or `saltwell catalogue rebuild`"):
            find(catalogue)

    pq.write_table(rows.set_column(0, "episode", spoilt), first)
    for look in (catalogue.listed, lambda: catalogue.homes_of_others("x"), catalogue.episodes.keys):
        catalogue.read()
        with pytest.raises(DamagedTable):
            look()


def test_without_a_catalogue_a_question_says_how_to_make_one(store: Store) -> None:
    catalogue = Catalogue(store)

    assert not catalogue.read()
    with pytest.raises(StopError, match=f"`saltwell catalogue rebuild --store {store.url}`"):
        find(catalogue)


def listing(catalogue: Catalogue, *args: str) -> Result:
    return CliRunner().invoke(episodes, ["ls", *args, "--store", catalogue.store.url])


def test_episodes_ls_asks_the_catalogue_when_it_is_given_a_condition(catalogue: Catalogue) -> None:
    head, first, second, _ = listing(catalogue, "--where", "task = 'sort' and decision = 'accept'").output.splitlines()
    assert head.split() == ["EPISODE", "ROBOT", "DECISION", "STEPS", "SECONDS", "LOST", "MB", "TASK"]
    assert first.split()[:6] == ["e0", "g1-04", "accept", "7", "0.0", "1"]
    assert second.split()[:3] == ["e1", "g1-04", "accept*"]

    (row,) = json.loads(listing(catalogue, "--where", "episode = 'e1'", "--json").output)
    assert (row["decision"], row["verdict"], row["reviewer"]) == ("accept", "reject", "bo")
    assert row["stopped"] == "2026-01-02 00:00:00"

    assert listing(catalogue, "--since", "2026-01-04").output.splitlines()[1].startswith("e3")
    assert listing(catalogue, "--since", "1h").output == "no such episodes\n"
    shown = listing(catalogue, "--since", "2026-01-01", "--limit", "1")
    assert shown.stdout.splitlines()[1].startswith("e3")
    assert shown.stderr == "the newest 1 of 4; --limit shows more\n"
    assert "give 7d, 12h" in listing(catalogue, "--since", "tomorrow").output


def test_episodes_ls_without_a_condition_reads_the_store(catalogue: Catalogue) -> None:
    _, *rows, _ = listing(catalogue, "--limit", "2").output.splitlines()
    assert [row.split()[0] for row in rows] == ["e2", "e3"]


def test_the_commands_of_the_catalogue_say_what_they_did(catalogue: Catalogue) -> None:
    def said(*args: str) -> str:
        return CliRunner().invoke(command, [*args, "--store", catalogue.store.url]).output

    assert said("compact") == "3 files before, 3 now\n"
    assert said("rebuild") == "4 episodes\n"
    assert json.loads(said("rebuild", "--json")) == {"episodes": 4, "damaged": 0}
    catalogue.store.put(marker_key("damaged"), b"{}")
    assert "episode damaged: " in said("rebuild")
