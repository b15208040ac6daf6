"""What came out: finished episodes as they appear, in the form that reports use."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from saltwell.bus.clients import partition_count
from saltwell.bus.reading import reader_config
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import EpisodeFinished, Verdict
from saltwell.contracts.timeline import EpisodeStopped
from saltwell.errors import SkipRecordError, StopError

_WATCHED = ("timeline", "verdicts", "episodes.finished")
_POLL_S = 0.2
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Seen:
    """Finished episodes, and when the log learned of each stop, verdict and finish (ms, broker's clock)."""

    finished: dict[str, EpisodeFinished] = field(default_factory=dict)
    stopped_ms: dict[str, int] = field(default_factory=dict)
    verdict_ms: dict[str, int] = field(default_factory=dict)
    stored_ms: dict[str, int] = field(default_factory=dict)

    def stop_to_verdict_s(self) -> list[float]:
        """Seconds from stop to verdict, by episode."""
        return [(self.verdict_ms[e] - self.stopped_ms[e]) / 1000 for e in self.finished]

    def stop_to_stored_s(self) -> list[float]:
        """Seconds from stop to the finished episode, by episode."""
        return [(self.stored_ms[e] - self.stopped_ms[e]) / 1000 for e in self.finished]


class Watcher:
    """Reads timeline, verdicts and finished episodes from the beginning of the log, without a group."""

    def __init__(self, bootstrap: str, codec: Codec) -> None:
        self._codec = codec
        self.seen = Seen()
        self._consumer = Consumer(reader_config(bootstrap))
        shards = range(partition_count(bootstrap, _WATCHED))
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for topic in _WATCHED for p in shards])

    def wait(self, episodes: Collection[str], *, deadline_s: float, check: Callable[[], None]) -> Seen:
        """Read until all these episodes are finished; `check` may raise when that can't happen any more."""
        deadline = time.monotonic() + deadline_s
        while missing := set(episodes) - self.seen.finished.keys():
            check()
            if time.monotonic() > deadline:
                raise StopError(f"not finished after {deadline_s:.0f} s: {', '.join(sorted(missing))}")
            self.turn()
        return self.seen

    def turn(self) -> None:
        """Take at most one record; what is none is passed over."""
        message = self._consumer.poll(_POLL_S)
        if message is None or message.error() is not None:
            return
        try:
            self._take(self._codec.decode(message.value()), message.timestamp()[1])
        except SkipRecordError as error:
            log.warning("%s: passed over: %s", message.topic(), error)

    def _take(self, record: object, ms: int) -> None:
        match record:
            case EpisodeStopped():
                self.seen.stopped_ms.setdefault(record.episode, ms)
            case Verdict():
                self.seen.verdict_ms.setdefault(record.episode, ms)
            case EpisodeFinished():
                self.seen.finished.setdefault(record.episode, record)
                self.seen.stored_ms.setdefault(record.episode, ms)

    def close(self) -> None:
        """Stop reading."""
        self._consumer.close()
