"""What a recording is, whatever kind of file it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class RecordedStream:
    """A topic of a recording. `derived`: its times are made from the numbers of frames, nobody measured them."""

    name: str
    message_type: str
    message_encoding: str
    schema_encoding: str
    schema: str
    metadata: Mapping[str, str]
    rate_hz: float
    derived: bool = False


@dataclass(frozen=True, slots=True)
class RecordedMessage:
    """One message: `arrived_ns` is the recording's log time, `data` ROS 2 CDR; empty = it could not be read."""

    stream: str
    arrived_ns: int
    data: bytes


class Recording(Protocol):
    """A file or folder of messages. `paths` are what it is read from, `about` what else is to be known of it."""

    streams: list[RecordedStream]
    count: int
    paths: list[Path]
    about: dict[str, str]

    def messages(self) -> Iterator[RecordedMessage]:
        """All messages in order of arrival."""

    def close(self) -> None:
        """Close the file."""


def said(error: Exception) -> str:
    """In one line: readers of files raise whatever they meet in a damaged one, and some of it is a page long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."
