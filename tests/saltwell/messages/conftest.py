"""Messages of the real recordings."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from producers.replay.recorded import RecordedMessage
from producers.replay.recording import open_recording

Recorded = Callable[[str], Iterator[tuple[RecordedMessage, str]]]


@pytest.fixture(scope="session")
def recorded(recordings: Path) -> Recorded:
    """Give the messages of a recording in order of arrival, each with its short type name."""

    def of(name: str) -> Iterator[tuple[RecordedMessage, str]]:
        recording = open_recording(recordings / f"{name}.mcap")
        try:
            types = {stream.name: stream.message_type.split("/")[-1] for stream in recording.streams}
            for message in recording.messages():
                yield message, types[message.stream]
        finally:
            recording.close()

    return of
