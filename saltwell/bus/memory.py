"""An in-memory log that runs the same processors: for tests of what they give, not of Kafka."""

import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from saltwell.bus.driver import Result, ShardDriver
from saltwell.bus.ends import PATIENCE_MS
from saltwell.bus.note import token
from saltwell.bus.processor import Effect, Processor
from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec

_SHARD = 0


class MemoryBus:
    """Topics with one partition each. `run` lets processors read to the end, in any interleaving."""

    def __init__(self) -> None:
        self.codec = Codec()
        self._log: defaultdict[str, list[bytes]] = defaultdict(list)
        self._low: dict[str, int] = {}

    def append(self, topic: str, record: Any) -> None:
        """Put a record at the end of a topic."""
        self._log[topic].append(self.codec.encode(record))

    def append_bytes(self, topic: str, value: bytes) -> None:
        """Put any bytes at the end of a topic."""
        self._log[topic].append(value)

    def truncate(self, topic: str, before: int) -> None:
        """Retention takes everything before this offset."""
        self._low[topic] = before

    def records(self, topic: str) -> list[Any]:
        """All records that were ever put into a topic, decoded."""
        return [self.codec.decode(value) for value in self._log[topic]]

    def run(
        self,
        processor: Processor,
        *,
        seed: int = 0,
        start: Mapping[str, int] | None = None,
        marks: Mapping[str, int] | None = None,
        open_episodes: Collection[str] = (),
        stop_after: int | None = None,
    ) -> ShardDriver:
        """Run a processor over its topics, drawing the interleaving from `seed`; append what it gives."""
        driver = ShardDriver(
            processor, _SHARD, self.codec, marks=marks, open_episodes={token(e) for e in open_episodes}
        )
        for topic, low in self._low.items():
            if (start or {}).get(topic, 0) < low and topic in processor.topics:
                self._write(driver.begins_at(topic, low))
        for raw in self._interleaved(processor.topics, start or {}, seed, stop_after):
            self._write(driver.feed(raw))
        if stop_after is None:
            for topic in processor.topics:
                self._write(driver.reached_end(topic, len(self._log[topic])))
            for now_ms in (0, PATIENCE_MS + 1):
                self._write(driver.give_taken_ends({t: len(self._log[t]) for t in driver.overdue(now_ms)}))
        return driver

    def _interleaved(
        self, topics: Sequence[str], start: Mapping[str, int], seed: int, stop_after: int | None
    ) -> Iterable[Raw]:
        order = random.Random(seed)  # noqa: S311 - a test's interleaving, no secret
        todo = {t: [*range(max(start.get(t, 0), self._low.get(t, 0)), len(self._log[t]))] for t in topics}
        taken = 0
        while (ready := [t for t, offsets in todo.items() if offsets]) and taken != stop_after:
            topic = order.choice(ready)
            offset = todo[topic].pop(0)
            taken += 1
            yield Raw(topic, _SHARD, offset, b"", self._log[topic][offset])

    def _write(self, results: Iterable[Result]) -> None:
        for result in results:
            if isinstance(result, Effect):
                self._write(result.run())
            else:
                self.append(result.topic, result.record)
