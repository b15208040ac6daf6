"""What Saltwell found, as JSON streams of the archive that viewers can plot: /saltwell/alignment and its like.

Streams are told apart inside the messages, e.g. `/saltwell/alignment.streams[:]{stream=="/head/color"}.skew_ns`
in Foxglove. Times named *_ns are whole numbers of up to 19 digits, which JavaScript rounds to about 256 ns.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from saltwell.contracts.columns import f64, i64
from saltwell.contracts.results import AlignmentBlock, ScoreBlock, StreamLedger, StreamMatch, Verdict
from saltwell.errors import SkipRecordError
from sinks.episodes.archive import EpisodeArchive
from sinks.episodes.json_text import compact, parse, typed

ALIGNMENT = "/saltwell/alignment"
SCORES = "/saltwell/scores"
VERDICT = "/saltwell/verdict"
LEDGER = "/saltwell/ledger"

MatchKind = Literal["exact", "interpolated", "held", "missing"]

MATCH_KINDS: tuple[MatchKind, ...] = get_args(MatchKind)
"""Names of the numbers in StreamMatch.kind."""

_NO_FRAME = -1
_MISSING = ("missing", _NO_FRAME, _NO_FRAME, 0, 0, 0)  # fields of StepMatch behind the stream
_NOTHING: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class StepMatch:
    """How one stream is matched at a step; fields as in StreamMatch."""

    stream: str
    kind: MatchKind
    seq: int
    seq_next: int
    skew_ns: int
    span_ns: int
    since_ns: int


@dataclass(frozen=True, slots=True)
class Step:
    """A message of /saltwell/alignment."""

    step: int
    t_ref_ns: int
    streams: Sequence[StepMatch]

    @classmethod
    def parse(cls, data: bytes) -> "Step":
        """Read a message; SkipRecordError when it is none."""
        return typed(cls, parse(data, "step"), "step")


@dataclass(frozen=True, slots=True)
class Annotation:
    """One message of one of these streams; times as `EpisodeArchive.add` takes them."""

    stream: str
    data: bytes
    log_time_ns: int
    publish_time_ns: int
    sequence: int


def declare_annotations(archive: EpisodeArchive) -> None:
    """Announce the four streams."""
    for stream, (title, properties) in _SCHEMAS.items():
        archive.declare(
            stream,
            schema_name=title,
            schema_encoding="jsonschema",
            schema=compact({"title": title, "type": "object", "properties": properties}).decode(),
            message_encoding="json",
            metadata={},
            compress=True,
        )


def add_annotations(archive: EpisodeArchive, annotations: Iterable[Annotation]) -> None:
    """Append messages of these streams."""
    for one in annotations:
        archive.add(
            one.stream,
            one.data,
            log_time_ns=since_1970_ns(one.log_time_ns),
            publish_time_ns=since_1970_ns(one.publish_time_ns),
            sequence=one.sequence,
        )


def since_1970_ns(time_ns: int) -> int:
    """A time as MCAP can hold it; a clock that says less is broken, and its frames are told unreadable."""
    return max(0, time_ns)


def alignment_annotations(
    block: AlignmentBlock, *, present: Mapping[str, AbstractSet[int]] | None = None
) -> list[Annotation]:
    """A message a step: sequence = step number, both times = t_ref_ns. SkipRecordError when columns don't fit.

    `present` are the frames in the archive, by stream; None = all. The synchronizer knows the timeline only, so it
    matches frames that are lost or unreadable too: here such a match becomes "missing", that no step refers to what
    is not there.
    """
    try:
        matches = [
            list(_matches(match, None if present is None else present.get(match.stream, _NOTHING)))
            for match in block.streams
        ]
        steps = enumerate(zip(i64(block.t_ref_ns).tolist(), *matches, strict=True), start=block.first_step)
        return [_step(step, t_ref_ns, of_streams) for step, (t_ref_ns, *of_streams) in steps]
    except (ValueError, IndexError) as error:
        raise SkipRecordError(f"alignment from step {block.first_step} has columns that do not fit") from error


def score_annotations(block: ScoreBlock, *, clock_offset_ns: int) -> list[Annotation]:
    """A message a frame, with what was measured on it.

    Sequence = frame number, publish time = captured_ns, log time = that in site time: `clock_offset_ns` is what
    to add to the stream's sensor clock. SkipRecordError when columns don't fit.
    """
    try:
        columns = [f64(metric.values).tolist() for metric in block.metrics]
        frames = zip(i64(block.seq).tolist(), i64(block.captured_ns).tolist(), *columns, strict=True)
        names = [metric.name for metric in block.metrics]
        return [
            _score(block, seq, captured_ns, dict(zip(names, values, strict=True)), clock_offset_ns)
            for seq, captured_ns, *values in frames
        ]
    except ValueError as error:
        raise SkipRecordError(f"scores of {block.stream} have columns that do not fit") from error


def verdict_annotation(verdict: Verdict, *, at_ns: int) -> Annotation:
    """The verdict, standing at a time (site time) of the episode."""
    body = {
        "decision": verdict.decision,
        "criteria_version": verdict.criteria_version,
        "reasons": verdict.reasons,
    }
    return Annotation(VERDICT, compact(body), at_ns, at_ns, 0)


def ledger_annotation(ledgers: Sequence[StreamLedger], *, at_ns: int) -> Annotation:
    """The ledger of every stream, standing at a time (site time) of the episode."""
    body = {"streams": sorted(ledgers, key=lambda ledger: ledger.stream)}
    return Annotation(LEDGER, compact(body), at_ns, at_ns, 0)


def _matches(match: StreamMatch, present: AbstractSet[int] | None) -> Iterator[dict[str, Any]]:
    names = [field.name for field in fields(StepMatch)]
    columns = (
        i64(column).tolist() for column in (match.seq, match.seq_next, match.skew_ns, match.span_ns, match.since_ns)
    )
    for number, *numbers in zip(match.kind, *columns, strict=True):
        there = present is None or all(seq == _NO_FRAME or seq in present for seq in numbers[:2])
        found = (MATCH_KINDS[number], *numbers) if there else _MISSING
        yield dict(zip(names, (match.stream, *found), strict=True))


def _step(step: int, t_ref_ns: int, of_streams: Sequence[Mapping[str, Any]]) -> Annotation:
    body = {"step": step, "t_ref_ns": t_ref_ns, "streams": of_streams}
    return Annotation(ALIGNMENT, compact(body), t_ref_ns, t_ref_ns, step)


def _score(
    block: ScoreBlock, seq: int, captured_ns: int, metrics: Mapping[str, float], clock_offset_ns: int
) -> Annotation:
    measured = [{"name": name, "value": value} for name, value in metrics.items() if math.isfinite(value)]
    body = {"stream": block.stream, "seq": seq, "captured_ns": captured_ns, "metrics": measured}
    return Annotation(SCORES, compact(body), captured_ns + clock_offset_ns, captured_ns, seq)


_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_NUMBER = {"type": "number"}


def _list_of(**properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "properties": properties}}


_SCHEMAS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ALIGNMENT: (
        "saltwell.Step",
        {
            "step": _WHOLE,
            "t_ref_ns": _WHOLE,
            "streams": _list_of(
                stream=_TEXT,
                kind=_TEXT,
                seq=_WHOLE,
                seq_next=_WHOLE,
                skew_ns=_WHOLE,
                span_ns=_WHOLE,
                since_ns=_WHOLE,
            ),
        },
    ),
    SCORES: (
        "saltwell.Score",
        {
            "stream": _TEXT,
            "seq": _WHOLE,
            "captured_ns": _WHOLE,
            "metrics": _list_of(name=_TEXT, value=_NUMBER),
        },
    ),
    VERDICT: (
        "saltwell.Verdict",
        {
            "decision": _TEXT,
            "criteria_version": _TEXT,
            "reasons": _list_of(
                code=_TEXT,
                stream=_TEXT,
                severity=_TEXT,
                value=_NUMBER,
                limit=_NUMBER,
                unit=_TEXT,
                from_ns=_WHOLE,
                to_ns=_WHOLE,
                text=_TEXT,
            ),
        },
    ),
    LEDGER: (
        "saltwell.Ledger",
        {
            "streams": _list_of(
                stream=_TEXT,
                kind=_TEXT,
                sent=_WHOLE,
                written=_WHOLE,
                lost=_WHOLE,
                duplicates=_WHOLE,
                dead=_WHOLE,
                missing=_list_of(first=_WHOLE, count=_WHOLE, cause=_TEXT),
            )
        },
    ),
}
