"""One stream of one episode: drops copies, tells the unreadable, joins rows into blocks. Pure."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from processors.score.frames import Row, scorer_of
from processors.score.settings import ScoreSettings
from saltwell.contracts.columns import Float64s, i64, pack_f64, pack_i64
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.results import MetricColumn, ScoreBlock, UnreadableFrame
from saltwell.messages.checks import UnreadableFrame as Unreadable

BLOCK_NS = 1_000_000_000
"""A block of scores spans about this much of arrival time."""


class StreamScorer:
    """Gives a score block a second."""

    def __init__(self, kind: StreamKind, settings: ScoreSettings | None = None) -> None:
        self._kind = kind
        self._scorer = scorer_of(kind, settings or ScoreSettings())
        self._seen: set[int] = set()
        self._began_ns: int | None = None
        self._clear()

    def add(self, record: Any) -> Iterator[ScoreBlock]:
        """Take a frame or a block of frames. Raises UnreadableFrame, after noting it, for one to set aside."""
        seqs, captured, arrived_ns = _frames(record)
        fresh = [seq not in self._seen for seq in seqs]
        self._seen.update(seqs)
        self._duplicates += fresh.count(False)
        if any(fresh):
            self._began_ns = arrived_ns if self._began_ns is None else self._began_ns
            self._take(record, seqs, captured, fresh)
        if self._began_ns is not None and arrived_ns - self._began_ns >= BLOCK_NS:
            yield self.block(record)

    def block(self, of: Any) -> ScoreBlock:
        """What was scored since the last block; `of` names the stream."""
        scored = [(at, row) for at, row in enumerate(self._rows) if row]
        names = sorted({name for _, row in scored for name in row})
        metrics = [MetricColumn(name, pack_f64(_column(name, scored, rows=len(self._rows)))) for name in names]
        block = ScoreBlock(
            of.site,
            of.robot,
            of.episode,
            of.stream,
            self._kind,
            pack_i64(self._seqs),
            pack_i64(self._captured),
            metrics,
            self._unreadable,
            self._duplicates,
            self._scorer.tracer.take(),
        )
        self._began_ns = None
        self._clear()
        return block

    def _take(self, record: Any, seqs: list[int], captured: list[int], fresh: list[bool]) -> None:
        try:
            self._scorer.check(record)
        except Unreadable as error:
            self._unreadable.append(UnreadableFrame(seqs[0], captured[0], str(error)))
            raise
        for seq, captured_ns, is_fresh, row in zip(seqs, captured, fresh, self._scorer.rows(record), strict=True):
            if is_fresh:
                self._seqs.append(seq)
                self._captured.append(captured_ns)
                self._rows.append(row)

    def _clear(self) -> None:
        self._seqs: list[int] = []
        self._captured: list[int] = []
        self._rows: list[Row] = []
        self._unreadable: list[UnreadableFrame] = []
        self._duplicates = 0


def _column(name: str, scored: list[tuple[int, Row]], *, rows: int) -> Float64s:
    """One metric of the rows that carry any; NaN elsewhere."""
    column = np.full(rows, math.nan)
    for at, row in scored:
        column[at] = row.get(name, math.nan)
    return column


def _frames(record: Any) -> tuple[list[int], list[int], int]:
    """Numbers and capture times of a record's frames, and the arrival of the last."""
    if isinstance(record.seq, int):
        return [record.seq], [record.captured_ns], record.arrived_ns
    return i64(record.seq).tolist(), i64(record.captured_ns).tolist(), int(i64(record.arrived_ns)[-1])
