"""Questions to the catalogue in SQL: the user gives one expression, DuckDB answers, and can reach nothing else.

What is asked is `episodes`: the table of that name with what people said put over it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from saltwell.errors import StopError
from sinks.catalogue.catalogue import Catalogue
from sinks.catalogue.table import Table

MAX_EXPRESSION = 4000
"""Most letters of an expression."""

_MOST_S = 60.0
_MEMORY = "2GB"

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "memory_limit": _MEMORY,
}

_OF_EXPRESSION = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException, duckdb.InterruptException)
"""Raised before a row is read, or because of the time it takes."""

_EPISODES = """
SELECT
  e.episode, e.site, e.robot, e.operator, e.subject,
  coalesce(nullif(r.task, ''), e.task) AS task,
  e.success,
  coalesce(nullif(r.decision, ''), e.decision) AS decision,
  e.decision AS verdict,
  e.reasons, e.rejected_by, r.reviewer, make_timestamp(r.reviewed_ns // 1000) AS reviewed, r.note AS review_note,
  e.criteria_version, e.ending,
  make_timestamp(e.started_ns // 1000) AS started, make_timestamp(e.stopped_ns // 1000) AS stopped,
  (e.stopped_ns::HUGEINT - e.started_ns) / 1e9 AS seconds,
  e.steps, e.frames_sent, e.frames_lost, e.skew_p99_ns / 1e6 AS skew_p99_ms, e.bytes,
  e.archive, e.manifest_sha256, e.stopped_ns
FROM stored_episodes e LEFT JOIN standing_reviews r USING (episode)
"""

_STANDING = """
SELECT episode, reviewed_ns, reviewer, decision, task, note FROM stored_reviews
QUALIFY row_number() OVER (PARTITION BY episode ORDER BY reviewed_ns DESC, review DESC) = 1
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The newest episodes that were asked for, newest last; how many there are in all."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    total: int

    def objects(self) -> list[dict[str, Any]]:
        """The rows by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def find(catalogue: Catalogue, where: str = "", *, since_ns: int | None = None, limit: int = 1000) -> Found:
    """Episodes for which an SQL expression holds (all when it is empty) that stopped at `since_ns` or later.

    `limit` is less than a million.

    Raises StopError naming the columns for an expression that is none, and when it takes more than a minute.
    """
    if len(where) > MAX_EXPRESSION:
        raise StopError(f"--where has {len(where)} letters, more than {MAX_EXPRESSION}")
    with duckdb.connect(":memory:", config=_SETTINGS) as connection:
        timer = threading.Timer(_MOST_S, connection.interrupt)
        timer.start()
        try:
            return _ask(_episodes(connection, catalogue), where, since_ns, limit)
        except (duckdb.Error, UnicodeDecodeError):  # its text may hold what a server answered: that is not shown
            raise StopError(
                f"the catalogue of {catalogue.store.url} can't be read: ask again, or `saltwell catalogue rebuild`"
            ) from None
        finally:
            timer.cancel()


def _episodes(connection: duckdb.DuckDBPyConnection, catalogue: Catalogue) -> duckdb.DuckDBPyRelation:
    """What may be asked. From here on the connection reads the files of the catalogue and no others."""
    paths = [*catalogue.episodes.paths(), *catalogue.reviews.paths()]
    connection.execute("SET allowed_paths = $paths", {"paths": paths})
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    _put(connection, "stored_episodes", catalogue.episodes)
    _put(connection, "stored_reviews", catalogue.reviews)
    connection.execute(f"CREATE TEMP TABLE standing_reviews AS {_STANDING}")
    connection.execute(f"CREATE VIEW episodes AS {_EPISODES}")
    return connection.sql("FROM episodes")


def _put(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    """DuckDB reads files by itself where it can, three times faster than through arrow; on S3 it would need more."""
    if paths := table.paths():
        connection.read_parquet(paths, hive_partitioning=False).create_view(name)
    else:
        connection.register(name, table.dataset())


def _ask(episodes: duckdb.DuckDBPyRelation, where: str, since_ns: int | None, limit: int) -> Found:
    asked = episodes
    if since_ns is not None:
        asked = asked.filter(f"stopped_ns >= {since_ns:d}")
    try:
        if where:
            asked = asked.filter(f"({where}\n)")  # an expression and nothing else: DuckDB parses it as one
        total, oldest_ns = asked.aggregate(f"count(*), max(stopped_ns, {limit:d})[-1]").fetchall()[0]
        newest = asked.filter(f"stopped_ns >= {oldest_ns or 0:d}")  # so that whole rows are read of these only
        rows = newest.order("stopped_ns DESC, episode DESC").limit(limit).fetchall()[::-1]
    except duckdb.Error as error:
        if not isinstance(error, _OF_EXPRESSION) and not _can_be_read(episodes):
            raise
        raise StopError(_why(error, where, episodes.columns)) from None
    return Found(episodes.columns, rows, total)


def _can_be_read(episodes: duckdb.DuckDBPyRelation) -> bool:
    """Whether every row can be, so that what failed is the fault of an expression."""
    try:
        episodes.aggregate("count(COLUMNS(*))").fetchall()
    except duckdb.Error:
        return False
    return True


def _why(error: duckdb.Error, where: str, columns: Sequence[str]) -> str:
    if isinstance(error, duckdb.InterruptException):
        return f"--where {where!a} takes longer than {_MOST_S:.0f} s"
    first = next(iter(str(error).splitlines()), type(error).__name__)
    said = first[:300].encode("ascii", "backslashreplace").decode()
    return f"--where {where!a}: {said}; columns: {', '.join(columns)}"
