"""Publishes an episode once more under a new name: what was in the log in time, and what came late."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from producers.outbox import KafkaOutbox
from producers.recover.story import Story
from saltwell.bus.raw import Raw
from saltwell.bus.reading import read_to_end
from saltwell.contracts.codec import Codec
from saltwell.contracts.columns import i64
from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import EpisodeStarted, StreamEnded
from saltwell.contracts.topics import FRAME_TOPICS, frame_topic
from saltwell.errors import SkipRecordError, StopError

_CLOCKS_MS = 60_000
"""How far the brokers' clocks may be apart: the time of a record is that of the broker which took it."""

_NEVER_MS = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was published."""

    episode: str
    robot: str
    records: int
    late: int


class Recovery:
    """One episode on its way back. Raises StopError when the log does not hold its beginning any more."""

    def __init__(self, bootstrap: str, codec: Codec, episode: str, late: Sequence[SetAside]) -> None:
        if not late:
            raise StopError(f"nothing came late of episode {episode}; `saltwell late ls` lists what did")
        self._bootstrap = bootstrap
        self._codec = codec
        self._episode = episode
        self._late = late
        self._late_at = {(r.topic, r.partition, r.offset) for r in late}
        self._partition = late[0].partition
        self._story = Story()
        self._since_ms = 0

    def publish(self, outbox: KafkaOutbox, name: str) -> Recovered:
        """Send everything as episode `name`, in the order of a publisher."""
        self._read_timeline()
        started = self._story.started
        if started is None:
            raise StopError(f"the log does not hold the beginning of episode {self._episode} any more")
        for event in self._story.beginning(name):
            outbox.send("timeline", event)
            if isinstance(event, EpisodeStarted):
                outbox.flush()
        count = 0
        for topic, record in self._frames():
            outbox.send(topic, replace(record, episode=name))
            count += 1
        outbox.flush()
        for ended in self._story.ends(name):
            outbox.send(frame_topic(ended.kind), ended)
            outbox.send("timeline", ended)
        outbox.flush()
        outbox.send("timeline", self._story.ending(name))
        outbox.flush()
        return Recovered(name, started.robot, count, len(self._late))

    def _read_timeline(self) -> None:
        """The timeline first: it is small, and says from when on frames are to be looked for.

        From the first telling of the beginning: it may have been sent again.
        """
        began_ms = _NEVER_MS
        for raw in read_to_end(self._bootstrap, "timeline", [self._partition]):
            event = self._mine(raw)
            if event is not None:
                self._story.tell(event)
                if isinstance(event, EpisodeStarted):
                    began_ms = min(began_ms, raw.timestamp_ms)
        self._since_ms = 0 if began_ms == _NEVER_MS else max(0, began_ms - _CLOCKS_MS)
        for aside in self._late:
            if aside.topic == "timeline":
                self._story.tell(self._codec.decode(aside.value))

    def _frames(self) -> Iterator[tuple[str, Any]]:
        """Every frame once: a late one may stand in its own topic as well as in `late`."""
        for topic in FRAME_TOPICS:
            for raw in read_to_end(self._bootstrap, topic, [self._partition], since_ms=self._since_ms):
                if (topic, raw.partition, raw.offset) not in self._late_at:
                    yield from self._frame(topic, self._mine(raw))
            for aside in self._late:
                if aside.topic == topic:
                    yield from self._frame(topic, self._codec.decode(aside.value))

    def _frame(self, topic: str, record: Any) -> Iterator[tuple[str, Any]]:
        if record is None:
            return
        if isinstance(record, StreamEnded):
            self._story.tell(record)
            return
        self._story.found(record.stream, i64(record.seq).tolist() if isinstance(record.seq, bytes) else [record.seq])
        yield topic, record

    def _mine(self, raw: Raw) -> Any:
        try:
            record = self._codec.decode(raw.value)
        except SkipRecordError:
            return None
        return record if record.episode == self._episode else None
