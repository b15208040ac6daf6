"""Plays a recording as an episode of one or several robots."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.clock import DERIVED, Calibration
from producers.publisher import EpisodePublisher, Outbox
from producers.replay.recorded import RecordedMessage, RecordedStream
from producers.replay.recording import content_hash, open_recording
from producers.replay.samples import declare, to_sample
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import StopError
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.text import String

_NS = 1_000_000_000
_TASK_STREAM = "/task"


@dataclass(frozen=True, slots=True)
class Played:
    """What one robot's playing of one recording came to."""

    episode: str
    robot: str
    seconds: float
    malformed: dict[str, int]
    streams: dict[str, StreamEnded]


@dataclass(frozen=True, slots=True)
class Part:
    """One robot's part in a playing."""

    robot: str
    episode: str


def play(
    path: Path,
    outbox: Outbox,
    parts: Sequence[Part],
    *,
    site: str,
    task: str | None,
    real_time: bool,
    on_message: Callable[[], None],
    calibration: Calibration | None = None,
    episode_index: int | None = None,
    people: Mapping[str, str] | None = None,
) -> list[Played]:
    """Play one recording as one episode of each robot; StopError when it can't be read.

    `calibration` is what is known of its sensors' clocks. `episode_index` chooses one episode of a dataset. `people`
    took part, by role (operator, subject).
    """
    recording = open_recording(path, episode_index)
    try:
        if not recording.count:
            raise StopError(f"{path}: has no messages; record it again")
        clocks = {**(calibration or {}), **{stream.name: DERIVED for stream in recording.streams if stream.derived}}
        playing = _Playing(
            recording.streams,
            [EpisodePublisher(outbox, site=site, robot=p.robot, episode=p.episode, calibration=clocks) for p in parts],
            task=task if task is not None else _task_of(path, episode_index),
            source={
                "recording": path.name,
                "sha256": content_hash(recording.paths),
                **recording.about,
                **(people or {}),
            },
        )
        try:
            for message in _paced(recording.messages(), real_time=real_time):
                playing.take(message)
                on_message()
        except (StopError, KeyboardInterrupt) as error:
            playing.abort(error)
            raise
        ended = playing.stop()
    finally:
        recording.close()
    return [
        Played(part.episode, part.robot, playing.seconds, playing.malformed, streams)
        for part, streams in zip(parts, ended, strict=True)
    ]


class _Playing:
    """A recording on its way, as one episode of each of its publishers."""

    def __init__(
        self,
        streams: Sequence[RecordedStream],
        publishers: Sequence[EpisodePublisher],
        *,
        task: str,
        source: Mapping[str, str],
    ) -> None:
        self.malformed: dict[str, int] = {}
        self._readers = {stream.name: to_sample(stream) for stream in streams}
        self._declared = [declare(stream) for stream in streams]
        self._publishers = publishers
        self._task = task
        self._source = source
        self._first_ns = 0
        self._last_ns = 0

    @property
    def seconds(self) -> float:
        """From the first message to the last one so far."""
        return (self._last_ns - self._first_ns) / _NS

    def take(self, message: RecordedMessage) -> None:
        """Publish a message; the first one begins the episodes."""
        self._last_ns = message.arrived_ns
        if not self._first_ns:
            self._first_ns = message.arrived_ns
            for publisher in self._publishers:
                publisher.start(self._declared, started_ns=self._first_ns, task=self._task, source=self._source)
        try:
            sample = self._readers[message.stream](message)
        except MalformedMessage:
            self.malformed[message.stream] = self.malformed.get(message.stream, 0) + 1
            for publisher in self._publishers:
                publisher.malformed(message.stream, message.arrived_ns)
        else:
            for publisher in self._publishers:
                publisher.publish(sample)

    def abort(self, error: BaseException) -> None:
        """The recording broke off, or the operator ended the replay: what was played is kept, and says so."""
        if self._first_ns:
            for publisher in self._publishers:
                publisher.abort(stopped_ns=self._last_ns, reason=str(error) or "the replay was interrupted")

    def stop(self) -> list[dict[str, StreamEnded]]:
        """End the episodes; gives what each one's streams came to."""
        return [publisher.stop(stopped_ns=self._last_ns) for publisher in self._publishers]


def _paced(messages: Iterator[RecordedMessage], *, real_time: bool) -> Iterator[RecordedMessage]:
    """Messages as fast as they come, or when they arrived back then."""
    began_s, first_ns = time.monotonic(), 0
    for message in messages:
        first_ns = first_ns or message.arrived_ns
        due_s = began_s + (message.arrived_ns - first_ns) / _NS
        if real_time and (wait_s := due_s - time.monotonic()) > 0:
            time.sleep(wait_s)
        yield message


def _task_of(path: Path, episode_index: int | None) -> str:
    """The text of the recording's own task message; empty without one."""
    recording = open_recording(path, episode_index)
    try:
        if not any(s.name == _TASK_STREAM and s.message_type.endswith("/String") for s in recording.streams):
            return ""
        spoken = next((m for m in recording.messages() if m.stream == _TASK_STREAM), None)
        return String.decode(spoken.data).data if spoken else ""
    except MalformedMessage:
        return ""
    finally:
        recording.close()
