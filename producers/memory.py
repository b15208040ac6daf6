"""An outbox into the in-memory log: for tests and measurements of what publishers and processors give."""

from typing import Any

from producers.publisher import Lost
from saltwell.bus.memory import MemoryBus


class MemoryOutbox:
    """Puts what is published into the log at once; nothing is ever lost or waits."""

    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def send(self, topic: str, record: Any, *, on_lost: Lost | None = None) -> int:
        """Append it."""
        del on_lost
        self._bus.append(topic, record)
        return 0

    def flush(self) -> None:
        """All is there."""
