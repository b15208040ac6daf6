"""An episode, and a word on one, as rows of the catalogue's tables. Pure: the same manifest gives the same row."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa

from saltwell.contracts.results import Review
from sinks.episodes.finished import FinishedEpisode
from sinks.episodes.gone import Erased
from sinks.episodes.manifest import Manifest, rejecting
from sinks.episodes.reviews import review_id

Row = Mapping[str, Any]

Archive = Literal["stored", "expired", "erased"]
"""The MCAP file is in the store; retention took it and left the manifest; everything was erased but this row."""

EPISODES = pa.schema(
    [
        ("episode", pa.string()),
        ("site", pa.string()),
        ("robot", pa.string()),
        ("operator", pa.string()),
        ("subject", pa.string()),
        ("task", pa.string()),
        ("success", pa.bool_()),
        ("decision", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("rejected_by", pa.list_(pa.string())),
        ("criteria_version", pa.string()),
        ("ending", pa.string()),
        ("started_ns", pa.int64()),
        ("stopped_ns", pa.int64()),
        ("steps", pa.int64()),
        ("frames_sent", pa.int64()),
        ("frames_lost", pa.int64()),
        ("skew_p99_ns", pa.float64()),
        ("bytes", pa.int64()),
        ("manifest_sha256", pa.string()),
        ("archive", pa.string()),
        ("month", pa.string()),
    ]
)
"""A row an episode. `decision` and `task` are those of the verdict and the robot; what people said is in REVIEWS."""

REVIEWS = pa.schema(
    [
        ("review", pa.string()),
        ("episode", pa.string()),
        ("site", pa.string()),
        ("robot", pa.string()),
        ("reviewer", pa.string()),
        ("reviewed_ns", pa.int64()),
        ("decision", pa.string()),
        ("task", pa.string()),
        ("note", pa.string()),
        ("month", pa.string()),
    ]
)
"""A row a word; an empty `decision` or `task` = unchanged."""

_NS_PER_S = 1_000_000_000


def episode_row(one: FinishedEpisode, *, archive: Archive = "stored") -> Row:
    """Row of a finished episode."""
    manifest, source = one.manifest, one.manifest.provenance.source
    ledgers = [entry.ledger for entry in manifest.streams.values()]
    return {
        "episode": manifest.episode,
        "site": manifest.site,
        "robot": manifest.robot,
        "operator": source.get("operator", ""),
        "subject": source.get("subject", ""),
        "task": manifest.task,
        "success": manifest.success,
        "decision": manifest.decision,
        "reasons": sorted({reason.code for reason in manifest.reasons}),
        "rejected_by": rejecting(manifest),
        "criteria_version": manifest.criteria_version,
        "ending": manifest.ending,
        "started_ns": manifest.started_ns,
        "stopped_ns": manifest.stopped_ns,
        "steps": manifest.steps,
        "frames_sent": sum(ledger.sent for ledger in ledgers),
        "frames_lost": sum(ledger.lost for ledger in ledgers),
        "skew_p99_ns": _largest_skew_ns(manifest),
        "bytes": one.marker.archive_bytes,
        "manifest_sha256": one.marker.manifest_sha256,
        "archive": archive,
        "month": month_of(manifest.stopped_ns),
    }


def tombstone_row(note: Erased) -> Row:
    """Row of an episode that was erased: its name and where it stood in time, nothing of what it was."""
    known = {"episode": note.episode, "site": note.site, "robot": note.robot, "stopped_ns": note.stopped_ns}
    month = month_of(note.stopped_ns)
    return {**known, "decision": "erased", "task": "", "subject": "", "archive": "erased", "month": month}


def review_row(review: Review) -> Row:
    """Row of a person's word."""
    return {
        "review": f"{review.episode}/{review_id(review)}",
        "episode": review.episode,
        "site": review.site,
        "robot": review.robot,
        "reviewer": review.reviewer,
        "reviewed_ns": review.reviewed_ns,
        "decision": review.decision,
        "task": review.task,
        "note": review.note,
        "month": month_of(review.reviewed_ns),
    }


def month_of(time_ns: int) -> str:
    """Month of a time, UTC, as 2026-01: the tables are partitioned by it. A time beyond all calendars is of 0001-01."""
    try:
        return f"{datetime.fromtimestamp(time_ns // _NS_PER_S, UTC):%Y-%m}"
    except (ValueError, OverflowError, OSError):
        return "0001-01"


def table_of(rows: Iterable[Row], schema: pa.Schema) -> pa.Table:
    """Rows as columns."""
    return pa.Table.from_pylist([*rows], schema=schema)


def _largest_skew_ns(manifest: Manifest) -> float | None:
    """Of the stream whose matches lie farthest off."""
    timings = [entry.timing for entry in manifest.streams.values() if entry.timing is not None]
    found = [one.skew_p99_ns for one in timings if one.exact + one.interpolated + one.held]
    return max(found, default=None)
