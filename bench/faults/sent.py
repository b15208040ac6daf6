"""What the producers sent, known from the recording alone: the checker's one side. Pure, save for reading the file.

The recordings of the harness lose nothing at the source, so the n-th message of a stream is frame n.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcap.reader import make_reader

Frame = tuple[str, int]
"""Stream and frame number."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One episode that a producer was told to send; `frames` to the hash of the message's bytes.

    `cut`: the producer died or had no room in mid-episode and could not record what came after, so that the episode may
    end early, as an aborted one.
    """

    robot: str
    episode: str
    frames: Mapping[Frame, str]
    cut: bool = False


def frames_of(recording: Path) -> dict[Frame, str]:
    """Every frame of a recording, with the hash of its bytes."""
    counted: Counter[str] = Counter()
    frames = {}
    with recording.open("rb") as file:
        for _, channel, message in make_reader(file).iter_messages(log_time_order=True):
            frames[channel.topic, counted[channel.topic]] = digest(message.data)
            counted[channel.topic] += 1
    return frames


def digest(data: bytes) -> str:
    """Short hash of a message's bytes."""
    return hashlib.sha256(data).hexdigest()[:16]
