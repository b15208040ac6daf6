"""A Delta Lake table in the store, written by compare-and-swap.

A commit stands upon the version that was read, or fails: Delta numbers its versions, and a folder and S3 alike create
each number's file once (S3 by If-None-Match, which `Store.check` has proved). So what a writer found out before it
commits, which rows are there, is still true when it does, however many writers there are.
"""

import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from saltwell.errors import RetryError, StopError
from sinks.store import Store
from sinks.store_errors import NotInStore, explained

CATALOGUE = "catalogue"
"""Folder of all tables."""

_KEPT_HOURS = 24
"""How long files that no version needs any more are kept for readers that are at it."""

_UPON_THIS_VERSION = CommitProperties(max_commit_retries=0)
"""A commit that fails when another came first: the library would otherwise put it behind that one."""


class Overtaken(RetryError):
    """Another writer committed first: read the table again, and look what is still to be done."""


class DamagedTable(StopError):
    """There is a table, and it can't be read."""


class Table:
    """One table. `key` names a row, `time_ns` is a column that tells where in time it lies.

    Every method raises RetryError (Overtaken when another writer came first) or StopError.
    """

    def __init__(self, store: Store, name: str, schema: pa.Schema, *, key: str, time_ns: str) -> None:
        self._store = store
        self._folder = f"{CATALOGUE}/{name}"
        self._url = str(store.folder / self._folder) if store.folder else f"{store.url}/{self._folder}"
        self._options = {} if store.folder else _s3_options()
        self._schema = schema
        self._key = key
        self._time_ns = time_ns
        self._delta: DeltaTable | None = None

    def read(self) -> bool:
        """Look at the newest version; False when there is no table. Raises DamagedTable."""
        with self._explained("read"):
            try:
                self._delta = DeltaTable(self._url, storage_options=self._options)
            except TableNotFoundError:
                self._delta = None
        return self._delta is not None

    def create(self) -> None:
        """Begin an empty table unless there is one, and look at it."""
        if self.read():
            return
        with self._explained("create"):
            self._delta = DeltaTable.create(
                self._url,
                self._schema,
                mode="ignore",
                partition_by=["month"],
                configuration={
                    # Names of people must not stand in the log of versions, which keeps them after their rows are gone.
                    "delta.dataSkippingStatsColumns": f"{self._key},{self._time_ns}",
                    "delta.logRetentionDuration": f"interval {_KEPT_HOURS} hours",
                    "delta.deletedFileRetentionDuration": f"interval {_KEPT_HOURS} hours",
                },
                storage_options=self._options,
            )

    def begin_anew(self) -> None:
        """As `create`; a damaged table is removed first."""
        try:
            self.create()
        except DamagedTable:
            self.remove()
            self.create()

    def remove(self) -> None:
        """Remove all of it, whatever state it is in."""
        self._delta = None
        for key in [*self._store.list(self._folder)]:
            self._store.remove(key)
        if self._store.folder is not None:
            shutil.rmtree(self._store.folder / self._folder, ignore_errors=True)

    def version(self) -> int:
        """Number of the version that is looked at."""
        return self._read.version()

    def append(self, rows: pa.Table) -> int:
        """Add the rows whose key is not there yet; gives how many."""
        new = self.unknown(_first_of_each(rows, self._key))
        if new.num_rows:
            with self._explained("append to"):
                write_deltalake(self._read, new, mode="append", commit_properties=_UPON_THIS_VERSION)
        return int(new.num_rows)

    def replace(self, rows: pa.RecordBatchReader) -> None:
        """Put these rows in the place of all that are there."""
        with self._explained("replace"):
            write_deltalake(
                self._read, rows, mode="overwrite", schema_mode="overwrite", commit_properties=_UPON_THIS_VERSION
            )

    def set(self, column: str, value: str, episodes: Collection[str]) -> None:
        """Set a column of the rows of these episodes."""

        def changed(rows: pa.Table, meant: pa.ChunkedArray) -> pa.Table:
            values = pc.if_else(meant, value, rows[column])
            return rows.set_column(rows.column_names.index(column), column, values)

        self._rewrite(episodes, changed)

    def delete(self, episodes: Collection[str]) -> None:
        """Delete the rows of these episodes."""
        self._rewrite(episodes, lambda rows, meant: rows.filter(pc.invert(meant)))

    def _rewrite(self, episodes: Collection[str], change: Callable[[pa.Table, pa.ChunkedArray], pa.Table]) -> None:
        """Write the months again that have these episodes, a commit each.

        The library's own update and delete write texts of another type (string_view), which arrow can't filter.
        """
        wanted = pa.array(episodes, pa.string())
        with self._explained("change"):
            there = self.dataset().to_table(["month"], filter=pc.field("episode").isin(wanted))
            for month in pc.unique(there["month"]).to_pylist():
                rows = self.dataset().to_table(filter=pc.field("month") == month)
                write_deltalake(
                    self._read,
                    change(rows, pc.is_in(rows["episode"], value_set=wanted)),
                    mode="overwrite",
                    predicate=f"month = '{month}'",
                    commit_properties=_UPON_THIS_VERSION,
                )

    def compact(self) -> tuple[int, int]:
        """Make few files of many in each month; how many there were of those it touched, and how many they are now."""
        with self._explained("compact"):
            done = self._read.optimize.compact(commit_properties=_UPON_THIS_VERSION)
        return int(done["numFilesRemoved"]), int(done["numFilesAdded"])

    def vacuum(self) -> None:
        """Remove files that no version of the last day needs, and the log of older versions."""
        with self._explained("vacuum"):
            self._read.vacuum(
                _KEPT_HOURS,
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
                commit_properties=_UPON_THIS_VERSION,
            )
            self._read.create_checkpoint()
            self._read.cleanup_metadata()

    def purge(self) -> None:
        """Remove all files that the newest version does not need, now: what was deleted is gone for good.

        A writer may be at a file that it has not committed. So what is to go is listed first, and then a commit is made
        that changes nothing: it lets the commit of every writer fail that has written before. A reader that is at a
        file that goes fails, and asks again.
        """
        there = [key for key in self._store.list(self._folder) if not key.startswith(f"{self._folder}/_delta_log/")]
        with self._explained("purge"):
            note = {"saltwell.purged": str(time.time_ns())}
            self._read.alter.set_table_properties(note, raise_if_not_exists=False, commit_properties=_UPON_THIS_VERSION)
            needed = {f"{self._folder}/{path}" for path in self._read.get_add_actions()["path"].to_pylist()}
        for key in there:
            if key not in needed:
                self._store.remove(key)

    def count(self) -> int:
        """How many rows there are."""
        with self._explained("read"):
            return int(self._read.count())

    def files(self) -> int:
        """How many files the version that is looked at is made of."""
        return len(self._read.file_uris())

    def keys(self) -> frozenset[str]:
        """Keys of all rows, in memory: about 0.1 GB a million."""
        return frozenset(self.select([self._key])[self._key].to_pylist())

    def select(self, columns: list[str], which: pc.Expression | None = None) -> pa.Table:
        """Columns of the rows for which an expression holds, in memory."""
        with self._explained("read"):
            found = self.dataset().to_table(columns, filter=which)
            found.validate(full=True)  # a text may be none
            return found

    def paths(self) -> list[str]:
        """The files of the version that is looked at, if it lies in a folder whose name is no pattern of names."""
        if self._store.folder is None or set("*?[") & set(str(self._store.folder)):
            return []
        home = self._store.folder / self._folder
        with self._explained("read"):
            return [str(home / path) for path in self._read.get_add_actions()["path"].to_pylist()]

    def dataset(self) -> ds.Dataset:
        """The version that is looked at, for reading by column."""
        with self._explained("read"):
            return self._read.to_pyarrow_dataset(schema=self._schema)

    @property
    def _read(self) -> DeltaTable:
        if self._delta is None:
            raise StopError(
                f"{self._store.url} has no catalogue yet: make it with "
                f"`saltwell catalogue rebuild --store {self._store.url}`"
            )
        return self._delta

    def unknown(self, rows: pa.Table) -> pa.Table:
        """Those whose key is not in the table. Only files of their time are read."""
        if not rows.num_rows:
            return rows
        span = pc.min_max(rows[self._time_ns]).as_py()
        near = (pc.field(self._time_ns) >= span["min"]) & (pc.field(self._time_ns) <= span["max"])
        months = pc.field("month").isin(pc.unique(rows["month"]))
        keys = self.select([self._key], months & near)[self._key]
        return rows.filter(pc.invert(pc.is_in(rows[self._key], value_set=keys.combine_chunks())))

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Turns what the library raises into our errors. Its texts may hold keys of the store: they are not shown."""
        what = f"{doing} {self._folder} in {self._store.url}"
        try:
            with explained(what, remote=self._store.folder is None), _invalid_is_damage():
                yield
        except CommitFailedError:
            self._delta = None
            raise Overtaken(f"can't {what}: another writer was first") from None
        except NotInStore:
            self._delta = None
            raise Overtaken(f"can't {what}: a file went away while it was read") from None
        except (DeltaError, pa.ArrowException, _Invalid):
            self._delta = None
            raise DamagedTable(f"can't {what}: it is damaged; `saltwell catalogue rebuild` makes it anew") from None


class _Invalid(Exception):
    """A file that can be fetched and is none of ours."""


@contextmanager
def _invalid_is_damage() -> Iterator[None]:
    """ArrowInvalid is a ValueError, as what a store raises may be; no other try would help."""
    try:
        yield
    except pa.ArrowInvalid:
        raise _Invalid from None


def _first_of_each(rows: pa.Table, key: str) -> pa.Table:
    """The first row of each key."""
    seen: set[Any] = set()
    keep = [value not in seen and not seen.add(value) for value in rows[key].to_pylist()]  # type: ignore[func-returns-value] # add gives None
    return rows.filter(pa.array(keep, pa.bool_()))


def _s3_options() -> dict[str, str]:
    """What the library needs besides its own look at AWS_*: the endpoint by its other name, and leave to use http."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    options = {"AWS_REGION": region, "conditional_put": "etag", "timeout": "60s"}
    if endpoint:
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    return options | {name: os.environ[name] for name in names if os.environ.get(name)}
