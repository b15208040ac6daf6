"""Drives one shard: decodes, closes episodes, sets aside what can't be used, suppresses what was said.

After a restart every partition is read again from its low watermark. Up to its *mark* (the position at the
last commit) a partition is replayed: state is rebuilt and outputs are dropped, because the commit that wrote
the mark also wrote them. What lies behind a mark waits until every partition of the shard has reached its own:
then the state is exactly what it was at the commit, whatever the order in which the partitions arrive. The commit
also says which episodes were open; records of all others in that stretch belong to episodes that were closed, and
of which some partitions may hold only the end, so they are passed over.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from saltwell.bus.processor import Arrival, Effect, Output, Processor
from saltwell.bus.progress import Progress
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import SetAside
from saltwell.contracts.topics import BY_NAME
from saltwell.errors import SkipRecordError
from saltwell.metrics import DEAD_LETTERS, LATE_RECORDS, RECORDS_READ

log = logging.getLogger(__name__)

ALL_EPISODES = "*"
"""Stands for the open episodes of a commit when they were too many to name."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One message as the log holds it; `timestamp_ms` is the writer's clock, 0 = none."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0


Result = Output | Effect


class ShardDriver:
    """One shard of one processor, from raw messages to outputs."""

    def __init__(
        self,
        processor: Processor,
        shard: int,
        codec: Codec,
        *,
        marks: Mapping[str, int] | None = None,
        open_episodes: Collection[str] = (),
    ) -> None:
        self._name = processor.name
        self._shard = processor.open(shard)
        self._codec = codec
        self._progress = Progress()
        self._marks = {topic: mark for topic, mark in (marks or {}).items() if mark > 0}
        self._open_at_commit = frozenset(open_episodes)
        self._waiting: list[Raw] = []

    @property
    def replaying(self) -> bool:
        """Whether some partition has not reached its mark yet."""
        return bool(self._marks)

    def feed(self, raw: Raw) -> Iterator[Result]:
        """Take one message; give what is to be written, in order."""
        if not self.replaying:
            yield from self._take(raw)
            return
        if raw.topic not in self._marks or raw.offset >= self._marks[raw.topic]:
            self._waiting.append(raw)
            yield from self.reached(raw.topic, raw.offset)
            return
        self._replay(raw)
        yield from self.reached(raw.topic, raw.offset + 1)

    def reached(self, topic: str, position: int) -> Iterator[Result]:
        """Note that a partition was read up to `position`; give what waited, when that was the last mark."""
        if topic in self._marks and position >= self._marks[topic]:
            self._progress.moved(topic, self._marks.pop(topic))
            if not self._marks:
                waiting, self._waiting = self._waiting, []
                for raw in waiting:
                    yield from self._take(raw)

    def positions(self) -> dict[str, int]:
        """Next offset to read, by topic: the marks of the next commit."""
        return self._progress.positions()

    def low_watermarks(self) -> dict[str, int]:
        """First offset that a restart must read again, by topic."""
        return self._progress.low_watermarks()

    def open_episodes(self) -> Collection[str]:
        """Episodes that a restart must know to be open."""
        return self._shard.open_episodes()

    def close(self) -> None:
        """Let go of the shard."""
        self._shard.close()

    def _replay(self, raw: Raw) -> None:
        """Rebuild state; whatever follows from it was said before the restart."""
        self._progress.saw(raw.topic, raw.offset, None)
        try:
            record = self._codec.decode(raw.value)
        except SkipRecordError:
            return
        if not {record.episode, ALL_EPISODES}.isdisjoint(self._open_at_commit):
            for _ in self._apply(raw, record):
                pass

    def _take(self, raw: Raw) -> Iterator[Result]:
        RECORDS_READ.labels(self._name, raw.topic).inc()
        self._progress.saw(raw.topic, raw.offset, None)
        try:
            record = self._codec.decode(raw.value)
        except SkipRecordError as error:
            yield from self._set_aside("dead", raw, str(error), None)
        else:
            yield from self._apply(raw, record)

    def _apply(self, raw: Raw, record: Any) -> Iterator[Result]:
        if self._progress.is_closed(record.episode):
            yield from self._set_aside("late", raw, f"episode {record.episode} is closed", record)
            return
        self._progress.saw(raw.topic, raw.offset, record.episode)
        yield from self._process(raw, record)
        self._progress.settle(self._shard.open_episodes())

    def _process(self, raw: Raw, record: Any) -> Iterable[Result]:
        try:
            yield from self._shard.on_record(Arrival(raw.topic, raw.partition, raw.offset, raw.timestamp_ms, record))
        except SkipRecordError as error:
            yield from self._set_aside("dead", raw, str(error), record)

    def _set_aside(self, topic: str, raw: Raw, reason: str, record: Any) -> Iterator[Result]:
        counter = DEAD_LETTERS if topic == "dead" else LATE_RECORDS
        counter.labels(self._name, raw.topic).inc()
        if BY_NAME[raw.topic].owner != self._name:
            return
        log.warning("%s: %s %d@%d: %s", topic, raw.topic, raw.partition, raw.offset, reason)
        yield Output(topic, set_aside(raw, by=self._name, reason=reason, record=record))


def set_aside(raw: Raw, *, by: str, reason: str, record: Any) -> SetAside:
    """The whole message with the reason, and its names as far as they are known."""
    return SetAside(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        by=by,
        reason=reason,
        robot=getattr(record, "robot", (raw.key or b"").decode(errors="replace")),
        episode=getattr(record, "episode", ""),
        stream=getattr(record, "stream", ""),
        seq=seq if isinstance(seq := getattr(record, "seq", -1), int) else -1,
        key=raw.key,
        value=raw.value or b"",
    )
