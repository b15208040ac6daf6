"""What a recording is, whatever kind of file it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """A topic of a recording."""

    name: str
    message_type: str
    message_encoding: str
    schema_encoding: str
    schema: str
    metadata: Mapping[str, str]
    rate_hz: float


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One message: `arrived_ns` is the recording's log time, `data` ROS 2 CDR; empty = it could not be read."""

    stream: str
    arrived_ns: int
    data: bytes


class Recording(Protocol):
    """A file or folder of messages."""

    streams: list[RecordedStream]
    count: int

    def messages(self) -> Iterator[RecordedMessage]:
        """All messages in order of arrival."""

    def close(self) -> None:
        """Close the file."""
