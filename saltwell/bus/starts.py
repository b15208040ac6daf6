"""Where the partitions of a shard begin, collected until all of them are here. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, TopicPartition

from saltwell.bus.note import read_note


@dataclass(slots=True)
class ShardStart:
    """What the last commit says of a shard: offsets and marks by topic, and its open episodes."""

    offsets: dict[str, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    open_episodes: set[str] = field(default_factory=set)


class Starts:
    """The shards of which at least one partition is assigned."""

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = frozenset(topics)
        self._shards: dict[int, ShardStart] = {}

    def add(self, committed: TopicPartition) -> TopicPartition:
        """Take a partition with what was committed for it; gives where to read it from."""
        shard = self._shards.setdefault(committed.partition, ShardStart())
        offset = committed.offset if committed.offset >= 0 else OFFSET_BEGINNING
        mark, episodes = read_note(committed.metadata) if committed.offset >= 0 else (0, frozenset())
        shard.offsets[committed.topic] = offset
        if mark > offset:
            shard.marks[committed.topic] = mark
        shard.open_episodes |= episodes
        return TopicPartition(committed.topic, committed.partition, offset)

    def whole(self, shard: int) -> ShardStart | None:
        """The start of a shard all of whose partitions are here, else None."""
        start = self._shards[shard]
        return start if start.offsets.keys() == self._topics else None

    def drop(self, partitions: Iterable[TopicPartition]) -> set[int]:
        """Partitions were taken away; gives the shards of which others are still here."""
        shards = {tp.partition for tp in partitions}
        for tp in partitions:
            self._shards[tp.partition].offsets.pop(tp.topic, None)
        left = {shard for shard in shards if self._shards[shard].offsets}
        for shard in shards - left:
            del self._shards[shard]
        return left
