"""One message as the log holds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Raw:
    """A message that was not looked into.

    `timestamp_ms` is when it was appended, by the broker's clock; `event_ms` is when the record was that it follows
    from (a frame: itself, a score: its frame), so that topics of different stages can be read in step. 0 = not known.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0
    event_ms: int = 0

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")
