"""Publishes an episode once more under a new name: what was in the log in time, and what came late."""

from collections.abc import Callable, Iterator
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


Asides = Callable[[], Iterator[SetAside]]
"""Reads all that came late, of any episode; called twice, so that no episode need be held in memory."""


class Recovery:
    """One episode on its way back, under a name that is not taken. Raises StopError when it can't come back."""

    def __init__(self, bootstrap: str, codec: Codec, episode: str, name: str, *, asides: Asides) -> None:
        self._bootstrap = bootstrap
        self._codec = codec
        self._episode = episode
        self._name = name
        self._asides = asides
        self._story = Story()
        self._late_at: set[tuple[str, int, int]] = set()
        self._partition = 0
        self._since_ms = 0

    def publish(self, outbox: KafkaOutbox) -> Recovered:
        """Send everything in the order of a publisher."""
        self._read_late()
        self._read_timeline()
        started = self._story.started
        if started is None:
            raise StopError(f"the log does not hold the beginning of episode {self._episode} any more")
        if self._story.discarded:
            raise StopError(f"episode {self._episode} was thrown away by its operator; it does not come back")
        for event in self._story.beginning(self._name):
            outbox.send("timeline", event)
            if isinstance(event, EpisodeStarted):
                outbox.flush()
        count = 0
        for topic, record in self._frames():
            outbox.send(topic, replace(record, episode=self._name))
            count += 1
        outbox.flush()
        for ended in self._story.ends(self._name):
            outbox.send(frame_topic(ended.kind), ended)
            outbox.send("timeline", ended)
        outbox.flush()
        outbox.send("timeline", self._story.ending(self._name))
        outbox.flush()
        return Recovered(self._name, started.robot, count, len(self._late_at))

    def _late(self) -> Iterator[SetAside]:
        return (aside for aside in self._asides() if aside.episode == self._episode)

    def _read_late(self) -> None:
        """Where the late records stood, and what they tell of the timeline."""
        for aside in self._late():
            self._late_at.add(_place(aside))
            self._partition = aside.partition
            if aside.topic == "timeline":
                self._story.tell(self._codec.decode(aside.value))
        if not self._late_at:
            raise StopError(f"nothing came late of episode {self._episode}; `saltwell late ls` lists what did")

    def _read_timeline(self) -> None:
        """The timeline before the frames: it is small, and says from when on they are to be looked for.

        From the first telling of the beginning: it may have been sent again.
        """
        began_ms = _NEVER_MS
        for raw in read_to_end(self._bootstrap, "timeline", [self._partition]):
            event = self._decoded(raw)
            if event is None:
                continue
            if event.episode == self._name:
                raise StopError(f"there is an episode {self._name} already; give the new one another name with --as")
            if event.episode == self._episode:
                self._story.tell(event)
                if isinstance(event, EpisodeStarted):
                    began_ms = min(began_ms, raw.timestamp_ms)
        self._since_ms = 0 if began_ms == _NEVER_MS else max(0, began_ms - _CLOCKS_MS)

    def _frames(self) -> Iterator[tuple[str, Any]]:
        """Every frame once: a late one may stand in its own topic as well as in `late`."""
        for topic in FRAME_TOPICS:
            for raw in read_to_end(self._bootstrap, topic, [self._partition], since_ms=self._since_ms):
                if (topic, raw.partition, raw.offset) not in self._late_at:
                    record = self._decoded(raw)
                    if record is not None and record.episode == self._episode:
                        yield from self._frame(topic, record)
        for aside in self._late():
            # What was set aside since the first look was met above.
            if aside.topic in FRAME_TOPICS and _place(aside) in self._late_at:
                yield from self._frame(aside.topic, self._codec.decode(aside.value))

    def _frame(self, topic: str, record: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(record, StreamEnded):
            self._story.tell(record)
            return
        self._story.found(record.stream, i64(record.seq).tolist() if isinstance(record.seq, bytes) else [record.seq])
        yield topic, record

    def _decoded(self, raw: Raw) -> Any:
        try:
            return self._codec.decode(raw.value)
        except SkipRecordError:
            return None


def _place(aside: SetAside) -> tuple[str, int, int]:
    return aside.topic, aside.partition, aside.offset
