"""How far a part is behind, in seconds: what it is scaled by.

Offsets would mislead: a low watermark is never at the end of the log, and commit markers count as records. So a part
is as far behind as the newest record that it has read, in the partition where that is oldest; it is not behind in a
partition that it has read to its end.
"""

import time

from saltwell.metrics import LAG_SECONDS


class Lag:
    """The newest record read, by partition. Written by the loop, asked by whoever scrapes the metrics."""

    def __init__(self, part: str) -> None:
        self._read_ms: dict[tuple[str, int], int] = {}
        LAG_SECONDS.labels(part).set_function(self.seconds)

    def read(self, topic: str, shard: int, event_ms: int) -> None:
        """A record of this time was read."""
        self._read_ms[topic, shard] = event_ms

    def at_end(self, topic: str, shard: int) -> None:
        """There is nothing more to read for now."""
        self._read_ms.pop((topic, shard), None)

    def drop(self, shard: int) -> None:
        """The shard goes elsewhere."""
        for key in [key for key in self._read_ms if key[1] == shard]:
            del self._read_ms[key]

    def seconds(self) -> float:
        """Age of the newest record of the partition that is farthest behind; 0 when none is."""
        oldest_ms = min(self._read_ms.copy().values(), default=None)
        return 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
