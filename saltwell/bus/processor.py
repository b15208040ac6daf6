"""What a processor is. It never sees Kafka: an in-memory bus runs the same object in tests."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from saltwell.contracts.identity import OfEpisode
from saltwell.contracts.results import SetAside


@dataclass(frozen=True, slots=True)
class Arrival:
    """One decoded record and where it stands in the log. `timestamp_ms` is for measuring, never for deciding."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    record: Any


@dataclass(frozen=True, slots=True)
class Output:
    """A record to append to a topic, in the partition of its shard."""

    topic: str
    record: OfEpisode | SetAside


@dataclass(frozen=True, slots=True)
class Effect:
    """Work outside the log (a sink's upload), and the outputs that tell of it once it is done.

    Must be idempotent: after a crash between the work and the commit it is done again. It runs in a thread of its own
    while the loop waits, so it must not touch the shard. Raises RetryError and StopError only.
    """

    run: Callable[[], Iterable[Output]]


class Shard(Protocol):
    """The work on one shard: partition p of each of the processor's topics.

    What it gives must be a pure function of what each topic's partition holds, in that partition's order: no
    clock, no random, no dependence on how topics interleave. It may be thrown away at any time and fed again
    from the first record of the oldest open episode.
    """

    def on_record(self, arrival: Arrival) -> Iterable[Output | Effect]:
        """Take one record; give what follows from it. Raises SkipRecordError for a record it can't use."""

    def open_episodes(self) -> Collection[str]:
        """Episodes whose records would be needed again after a crash."""

    def close(self) -> None:
        """Let go of files and memory: the shard goes elsewhere."""


@runtime_checkable
class EndsSilent(Protocol):
    """A shard that ends episodes whose robot fell silent, by writing their end into the log.

    Everybody, replay included, then learns of it from there. Only the owner of the timeline does this.
    """

    silent_after_ms: int

    def end_silent(self, episode: str) -> Iterable[Output]:
        """The records that end an open episode in its robot's place."""


class Processor(Protocol):
    """A kind of work, by name, on the shards of some topics."""

    @property
    def name(self) -> str:
        """Name of the part, as the topic table's owners say it."""

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics it reads."""

    def open(self, shard: int) -> Shard:
        """Begin work on a shard, with nothing known."""
