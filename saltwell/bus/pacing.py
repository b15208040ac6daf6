"""Which topics of a shard have to wait for the others. Pure.

Partitions are fetched independently. After an outage one may be read hours ahead of another, and everything in
between would wait in memory. So the topics of a shard are read in step, by the time at which the record behind each
was appended to the log (`event_ms`).
"""

import math
from collections.abc import Iterable

AHEAD_MS = 2_000
"""How far a topic may be ahead of the slowest. Less makes catching up stutter: a pause drops what was prefetched."""


class Pace:
    """How far each topic of a shard was read, and which of them are not to be read on for now."""

    def __init__(self, topics: Iterable[str], *, ahead_ms: int = AHEAD_MS) -> None:
        self._time_ms: dict[str, float] = dict.fromkeys(topics, -math.inf)
        self._ahead_ms = ahead_ms
        self._at_end: set[str] = set()
        self._halted: set[str] = set()
        self._ahead: set[str] = set()

    def read(self, topic: str, event_ms: int) -> None:
        """A record was read."""
        self._time_ms[topic] = max(self._time_ms[topic], event_ms)
        self._at_end.discard(topic)
        self._decide()

    def reached_end(self, topic: str) -> None:
        """The topic holds nothing more for now, so that nobody waits for it."""
        self._at_end.add(topic)
        self._decide()

    def halt(self, topic: str) -> None:
        """The topic is not to be read on until `release`; nobody waits for it."""
        self._halted.add(topic)
        self._decide()

    def release(self) -> None:
        """All halted topics may be read on."""
        self._halted.clear()
        self._decide()

    def is_at_end(self, topic: str) -> bool:
        """Whether everything was read that the topic held when it was looked at last."""
        return topic in self._at_end

    def paused(self) -> frozenset[str]:
        """Topics that are not to be read now."""
        return frozenset(self._halted | self._ahead)

    def _decide(self) -> None:
        """A topic waits when it is `ahead_ms` ahead, and goes on when it is half of that ahead."""
        waited_for = self._time_ms.keys() - self._at_end - self._halted
        slowest_ms = min((self._time_ms[topic] for topic in waited_for), default=math.inf)
        self._ahead = {
            topic
            for topic, time_ms in self._time_ms.items()
            if time_ms > slowest_ms + (self._ahead_ms / 2 if topic in self._ahead else self._ahead_ms)
        }
