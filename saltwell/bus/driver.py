"""Drives one shard: decodes, admits, closes episodes, sets aside what can't be used, suppresses what was said.

After a restart every partition is read again from its low watermark. Up to its *mark* (the position at the
last commit) a partition is replayed: state is rebuilt and outputs are dropped, because the commit that wrote
the mark also wrote them. What lies behind a mark waits until every partition of the shard has reached its own:
then the state is exactly what it was at the commit, whatever the order in which the partitions arrive. The commit
also says which episodes were open; records of all others in that stretch belong to episodes that were closed, and
of which some partitions may hold only the end, so they are passed over.
"""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from saltwell.bus.admission import Admission
from saltwell.bus.ends import Ends
from saltwell.bus.note import ALL_EPISODES, token
from saltwell.bus.pacing import Pace
from saltwell.bus.processor import Arrival, Effect, EndsSilent, Output, Processor
from saltwell.bus.progress import Progress
from saltwell.bus.raw import Raw
from saltwell.bus.repeats import Repeats
from saltwell.bus.silence import Silence
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import EpisodeStarted
from saltwell.contracts.topics import BY_NAME
from saltwell.errors import SkipRecordError
from saltwell.metrics import DEAD_LETTERS, DUPLICATES, LATE_RECORDS, RECORDS_READ

log = logging.getLogger(__name__)

_TIMELINE = "timeline"

DEFECTS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)
"""What our own mistakes raise. One record that we can't bear must not stop its shard at every restart."""

Result = Output | Effect


class ShardDriver:
    """One shard of one processor, from raw messages to outputs."""

    def __init__(
        self,
        processor: Processor,
        shard: int,
        codec: Codec,
        *,
        offsets: Mapping[str, int] | None = None,
        marks: Mapping[str, int] | None = None,
        open_episodes: Collection[str] = (),
    ) -> None:
        """Begin at the committed `offsets` (negative = none); up to its mark a topic is replayed.

        `open_episodes` are the tokens of the episodes that were open at the commit (`saltwell/bus/note.py`).
        """
        self._name = processor.name
        self._partition = shard
        self._shard = processor.open(shard)
        self._codec = codec
        self._progress = Progress()
        self._pace = Pace(processor.topics)
        self._admission = Admission() if _TIMELINE in processor.topics else None
        self._silence = Silence(limit_ms=self._shard.silent_after_ms) if isinstance(self._shard, EndsSilent) else None
        self._ends = Ends(processor.topics)
        self._repeats = Repeats()
        self._marks = {topic: mark for topic, mark in (marks or {}).items() if mark > 0}
        self._open_at_commit = frozenset(open_episodes)
        self._waiting: list[Raw] = []
        for topic, offset in (offsets or {}).items():
            # Each commit names all topics: the note of one left out would go on telling of episodes long closed.
            if offset >= 0 and topic not in self._marks:
                self._progress.moved(topic, offset)
        if self._marks:
            for topic in processor.topics:
                if topic not in self._marks:
                    self._pace.halt(topic)

    @property
    def replaying(self) -> bool:
        """Whether some partition has not reached its mark yet."""
        return bool(self._marks)

    def paused(self) -> frozenset[str]:
        """Topics that are ahead of the others. Feeding them is no error, but what they hold waits in memory."""
        return self._pace.paused()

    def feed(self, raw: Raw) -> Iterator[Result]:
        """Take one message; give what is to be written, in order."""
        self._pace.read(raw.topic, raw.event_ms)
        self._ends.read_to(raw.topic, raw.offset + 1)
        if not self.replaying:
            yield from self._take(raw)
        elif raw.topic not in self._marks or raw.offset >= self._marks[raw.topic]:
            self._waiting.append(raw)
            yield from self._reached_mark(raw.topic, raw.offset)
        else:
            self._replay(raw)
            yield from self._reached_mark(raw.topic, raw.offset + 1)

    def reached_end(self, topic: str, position: int) -> Iterator[Result]:
        """Note that the topic holds nothing from `position` on; give what waited, when that was the last mark."""
        self._pace.reached_end(topic)
        self._ends.read_to(topic, position)
        yield from self._reached_mark(topic, position)

    def begins_at(self, topic: str, low: int) -> Iterator[Result]:
        """Note that retention has taken everything before `low`; gives what waited, when the last mark lay there."""
        yield from self._reached_mark(topic, low)

    def end_silent(self, now_ms: int) -> Iterator[Result]:
        """End the episodes of which nothing was heard for long, where that is this processor's to do.

        `now_ms` is any clock that never goes back. Only what a topic read to its end has not told is silence.
        """
        if self._silence is None or self.replaying or not self._pace.is_at_end(_TIMELINE):
            return
        for episode in self._silence.take_silent(now_ms):
            if isinstance(self._shard, EndsSilent):
                log.warning(
                    "episode %s: nothing heard for %d s",
                    episode,
                    self._shard.silent_after_ms // 1000,
                    extra={"episode": episode},
                )
                yield from self._shard.end_silent(episode)

    def overdue(self, now_ms: int) -> frozenset[str]:
        """Topics of which to ask where they end, for `give_taken_ends` (`saltwell/bus/ends.py`); seldom any."""
        return frozenset() if self.replaying else self._ends.overdue(now_ms)

    def give_taken_ends(self, held: Mapping[str, int]) -> Iterator[Result]:
        """Give the shard, by the timeline's word, the ends of streams that retention took.

        `held` says where topics ended when `overdue` had told them.
        """
        self._ends.hold(held)
        for topic, ended in [] if self.replaying else self._ends.taken():
            log.warning("%s: the end of %s is gone from %s", ended.episode, ended.stream, topic)
            value = self._codec.encode(ended)
            offset = self._progress.positions().get(topic, 0)
            yield from self._process(Raw(topic, self._partition, offset, ended.robot.encode(), value), ended)
        self._settle()

    def positions(self) -> dict[str, int]:
        """Next offset to read, by topic: the marks of the next commit."""
        return self._progress.positions()

    def low_watermarks(self) -> dict[str, int]:
        """First offset that a restart must read again, by topic."""
        return self._progress.low_watermarks()

    def open_episodes(self) -> Collection[str]:
        """Episodes that a restart must know to be open."""
        early = self._admission.waiting() if self._admission is not None else frozenset()
        return {*self._shard.open_episodes(), *early}

    def close(self) -> None:
        """Let go of the shard."""
        self._shard.close()

    # -- replay

    def _replay(self, raw: Raw) -> None:
        """Rebuild state; whatever follows from it was said before the restart."""
        self._progress.saw(raw.topic, raw.offset, None)
        try:
            record = self._decode(raw)
        except SkipRecordError:
            return
        if not {token(record.episode), ALL_EPISODES}.isdisjoint(self._open_at_commit):
            for _ in self._apply(raw, record):
                pass

    def _reached_mark(self, topic: str, position: int) -> Iterator[Result]:
        if topic not in self._marks or position < self._marks[topic]:
            return
        self._progress.moved(topic, self._marks.pop(topic))
        if self._marks:
            self._pace.halt(topic)
            return
        self._pace.release()
        waiting, self._waiting = self._waiting, []
        for raw in waiting:
            yield from self._take(raw)

    # -- records

    def _take(self, raw: Raw) -> Iterator[Result]:
        RECORDS_READ.labels(self._name, raw.topic).inc()
        self._progress.saw(raw.topic, raw.offset, None)
        try:
            record = self._decode(raw)
        except SkipRecordError as error:
            yield from self._set_aside("dead", raw, str(error), None)
        else:
            yield from self._apply(raw, record)

    def _decode(self, raw: Raw) -> Any:
        record = self._codec.decode(raw.value)
        if not isinstance(record, BY_NAME[raw.topic].records):
            raise SkipRecordError(f"{type(record).__name__} does not belong into {raw.topic}")
        return record

    def _apply(self, raw: Raw, record: Any) -> Iterator[Result]:
        if too_late := self._too_late(raw, record):
            yield from self._set_aside("late", raw, too_late, record)
        else:
            self._progress.saw(raw.topic, raw.offset, record.episode)
            yield from self._admit(raw, record)
            if self._silence is not None and raw.topic == _TIMELINE:
                self._silence.heard(record.episode)
        yield from self._give_up(raw)
        self._settle()

    def _too_late(self, raw: Raw, record: Any) -> str:
        """Why the record comes too late, or nothing; by what stands before it in its own topic, and by closings."""
        if self._progress.is_closed(record.episode) and not self._follows_an_end(raw.topic):
            return f"episode {record.episode} is closed"
        if self._ends.has_ended(record.episode, raw.topic, getattr(record, "stream", "")):
            return f"{getattr(record, 'stream', raw.topic)} of episode {record.episode} has ended"
        if raw.topic == _TIMELINE and not isinstance(record, EpisodeStarted) and not self._has_begun(record.episode):
            return f"episode {record.episode} has no EpisodeStarted"
        return ""

    def _follows_an_end(self, topic: str) -> bool:
        """Whether the topic tells of episodes that are over: one finished, then one or more words of people on it.

        Such a topic has no owner. A part that follows the timeline has its own end of an episode.
        """
        return self._admission is None and not BY_NAME[topic].owner

    def _has_begun(self, episode: str) -> bool:
        return self._admission is None or self._admission.has_begun(episode)

    def _admit(self, raw: Raw, record: Any) -> Iterator[Result]:
        if self._admission is None or self._admission.has_begun(record.episode):
            yield from self._process(raw, record)
        elif isinstance(record, EpisodeStarted):
            early = self._admission.begin(record.episode)
            yield from self._process(raw, record)
            for one in early:
                yield from self._process_early(one)
        else:
            self._admission.wait(record.episode, raw)

    def _process_early(self, raw: Raw) -> Iterator[Result]:
        """A record that waited is late behind the end of its stream, as one that did not wait."""
        record = self._codec.decode(raw.value)
        if too_late := self._too_late(raw, record):
            yield from self._set_aside("late", raw, too_late, record)
        else:
            yield from self._process(raw, record)

    def _process(self, raw: Raw, record: Any) -> Iterable[Result]:
        if self._repeats.is_repeat(raw.topic, record):
            DUPLICATES.labels(self._name).inc()
            return
        self._ends.note(raw.topic, record)
        try:
            yield from self._shard.on_record(Arrival(raw.topic, raw.partition, raw.offset, raw.timestamp_ms, record))
        except SkipRecordError as error:
            yield from self._set_aside("dead", raw, str(error), record)
        except DEFECTS as error:
            log.exception("%s: %s %d@%d", self._name, raw.topic, raw.partition, raw.offset)
            yield from self._set_aside("dead", raw, f"defect in {self._name}: {error!r}", record)

    def _give_up(self, raw: Raw) -> Iterator[Result]:
        """The timeline has moved, be it by a late event: what did not find its beginning by now never will.

        What waited at the last commit was not given up before it, so replay does not either: that would drop it unsaid.
        """
        in_replay = self.replaying and ALL_EPISODES not in self._open_at_commit
        if self._admission is None or raw.topic != _TIMELINE or in_replay:
            return
        for lost, raws in self._admission.give_up(raw.event_ms):
            for one in raws:
                reason = f"episode {lost} has no EpisodeStarted"
                yield from self._set_aside("late", one, reason, self._codec.decode(one.value))

    def _settle(self) -> None:
        open_episodes = self.open_episodes()
        if self._silence is not None:
            self._silence.keep(open_episodes)
        for episode in self._progress.settle(open_episodes):
            self._ends.close(episode)
            self._repeats.close(episode)
            if self._admission is not None:
                self._admission.close(episode)

    # -- what can't be used

    def _set_aside(self, topic: str, raw: Raw, reason: str, record: Any) -> Iterator[Result]:
        counter = DEAD_LETTERS if topic == "dead" else LATE_RECORDS
        counter.labels(self._name, raw.topic).inc()
        if BY_NAME[raw.topic].owner != self._name:
            return
        aside = set_aside(raw, by=self._name, reason=reason, record=record)
        about = {"robot": aside.robot, "episode": aside.episode, "stream": aside.stream}
        log.warning("%s: %s %d@%d: %s", topic, raw.topic, raw.partition, raw.offset, reason, extra=about)
        yield Output(topic, aside)


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
