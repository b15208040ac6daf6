"""A finished episode opened for reading: its steps, and the frames of each stream in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from mcap.exceptions import McapError
from mcap.reader import make_reader

from saltwell.errors import SkipRecordError
from saltwell.names import is_command
from sinks.episodes.annotations import ALIGNMENT, Step, StepMatch
from sinks.episodes.manifest import Manifest


class UnreadableArchive(SkipRecordError):
    """An archive that is not what its manifest says."""


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """One frame: its number, its time of capture by the sensor's clock, and the ROS message."""

    seq: int
    captured_ns: int
    data: bytes


class Recorded:
    """An episode's archive. `file` is seekable and stays open. Raises UnreadableArchive."""

    def __init__(self, file: BinaryIO, manifest: Manifest) -> None:
        self._file = file
        self._types = _message_types(file, manifest)
        self.manifest = manifest
        self.steps: Sequence[Step] = [Step.parse(frame.data) for frame in self.frames(ALIGNMENT)]
        if len(self.steps) != manifest.steps:
            raise UnreadableArchive(f"{manifest.episode}: {len(self.steps)} steps, the manifest says {manifest.steps}")

    def frames(self, stream: str) -> Iterator[RecordedFrame]:
        """Frames of a stream in the order of their arrival."""
        self._file.seek(0)
        try:
            for _, _, message in make_reader(self._file).iter_messages([stream]):
                yield RecordedFrame(message.sequence, message.publish_time, message.data)
        except McapError as error:
            raise UnreadableArchive(f"{self.manifest.episode}: {stream} can't be read: {error}") from error

    def message_type(self, stream: str) -> str:
        """ROS type of a stream's messages; empty when it has none."""
        return self._types.get(stream, "")

    def of_kind(self, kind: str) -> list[str]:
        """Streams of a kind that have frames, by name."""
        streams = self.manifest.streams.items()
        return sorted(name for name, entry in streams if entry.kind == kind and entry.ledger.written)

    def states(self) -> list[str]:
        """Joint streams that say what the robot did."""
        return [name for name in self.of_kind("joints") if not is_command(name)]

    def commands(self) -> list[str]:
        """Joint streams that say what the robot was told."""
        return [name for name in self.of_kind("joints") if is_command(name)]

    def matches(self, stream: str) -> list[StepMatch]:
        """How a stream is matched at each step."""
        return [match for step in self.steps for match in step.streams if match.stream == stream]


def _message_types(file: BinaryIO, manifest: Manifest) -> Mapping[str, str]:
    try:
        summary = make_reader(file).get_summary()
    except McapError as error:
        raise UnreadableArchive(f"{manifest.episode}: its archive can't be read: {error}") from error
    if summary is None:
        raise UnreadableArchive(f"{manifest.episode}: its archive has no summary")
    return {channel.topic: summary.schemas[channel.schema_id].name for channel in summary.channels.values()}
