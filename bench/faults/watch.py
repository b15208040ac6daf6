"""Sees what comes out of the pipeline, and when: a reader of its own, in the background."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from saltwell.bus.clients import consumer_config, partition_count
from saltwell.contracts.codec import Codec, SchemaIds
from saltwell.contracts.results import EpisodeFinished
from saltwell.contracts.timeline import EpisodeStarted, EpisodeStopped
from saltwell.errors import SkipRecordError, StopError

OUTPUTS = {
    "synchronize": "alignment",
    "downsample": "clouds.sampled",
    "score": "scores",
    "judge": "verdicts",
    "episodes": "episodes.finished",
}
"""What each worker writes, and nobody else."""

_TOPICS = ("timeline", *OUTPUTS.values())
_POLL_S = 0.05
_LOOK_S = 0.02
_MS = 1000.0


@dataclass(slots=True)
class Seen:
    """`outputs` by topic: when a record was written (writer's clock) and when it could be read here, both in s."""

    started: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)
    announced: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    outputs: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))


class Watch:
    """Reads the timeline and all outputs from the beginning of the log."""

    def __init__(self, bootstrap: str, ids: SchemaIds | None) -> None:
        self.seen = Seen()
        self._codec = Codec(ids)
        shards = range(partition_count(bootstrap))
        self._consumer = reader(bootstrap)
        self._consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for topic in _TOPICS for p in shards])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="watch", daemon=True)
        self._thread.start()

    def wait(self, holds: Callable[[Seen], bool], what: str, *, within_s: float) -> None:
        """Wait until something was seen. Raises StopError when it is not, in time."""
        deadline = time.monotonic() + within_s
        while not holds(self.seen):
            if time.monotonic() > deadline:
                raise StopError(f"waited {within_s:.0f} s in vain: {what}")
            time.sleep(_LOOK_S)

    def next_output_s(self, worker: str, after_s: float) -> float | None:
        """Seconds from a time (of day) to the first output that was written after it and could be read; None = none."""
        for written_s, read_s in list(self.seen.outputs[OUTPUTS[worker]]):
            if written_s > after_s:
                return read_s - after_s
        return None

    def close(self) -> None:
        """Stop reading."""
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._over.is_set():
            try:
                message = self._consumer.poll(_POLL_S)
            except KafkaException:  # the broker is away: that is why we are here
                continue
            if message is not None and message.error() is None:
                self.seen.outputs[message.topic() or ""].append((message.timestamp()[1] / _MS, time.time()))
                self._take(message.value())

    def _take(self, value: bytes | None) -> None:
        try:
            record = self._codec.decode(value)
        except SkipRecordError:  # poison, of the harness's own making
            return
        match record:
            case EpisodeStarted():
                self.seen.started.add(record.episode)
            case EpisodeStopped():
                self.seen.stopped.add(record.episode)
            case EpisodeFinished():
                self.seen.announced[record.episode].append(record.manifest_sha256)


def reader(bootstrap: str) -> Consumer:
    """A consumer that reads what it is told to: it commits nothing, so the name of its group is never used."""
    config = {**consumer_config(bootstrap, "saltwell.faults"), "group.protocol": "classic", "log_level": 0}
    del config["group.remote.assignor"]
    return Consumer(config | {"reconnect.backoff.max.ms": 500})
