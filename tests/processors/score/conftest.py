"""Messages of the real recordings."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

Messages = Callable[[str, str], list[Any]]


@pytest.fixture(scope="session")
def messages(recordings: Path) -> Messages:
    """Give the messages of one topic of a recording, in the order of arrival."""
    read: dict[tuple[str, str], list[Any]] = {}

    def messages_of(name: str, topic: str) -> list[Any]:
        if (name, topic) not in read:
            with (recordings / f"{name}.mcap").open("rb") as stream:
                decoded = make_reader(stream, decoder_factories=[DecoderFactory()]).iter_decoded_messages([topic])
                read[name, topic] = [message for _, _, _, message in decoded]
        return read[name, topic]

    return messages_of
