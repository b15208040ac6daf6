"""The clouds of one episode: which streams are sampled, what they need, and when each is at its end. Pure."""

from collections.abc import Collection, Iterator
from typing import Any

from processors.downsample.deskewed_stream import DeskewedStream
from processors.downsample.settings import Settings, StreamSettings
from processors.downsample.streams import CloudStream
from saltwell.contracts.frames import SampledCloud
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import EpisodeStarted, StreamDeclared, StreamEnded
from saltwell.contracts.topics import SAMPLED_KINDS, frame_topic
from saltwell.streams import StreamsOfEpisode

COMPANION_KINDS: tuple[StreamKind, ...] = ("other", "pose")
"""Kinds of streams that tell what frames wait for."""


class EpisodeClouds:
    """Takes what the log holds of an episode, in any interleaving of topics."""

    def __init__(self, settings: Settings, topics: Collection[str]) -> None:
        """`topics` are those that are read."""
        self._settings = settings
        self._topics = topics
        read = (kind for kind in COMPANION_KINDS if frame_topic(kind) in topics)
        self._expected = StreamsOfEpisode(*SAMPLED_KINDS, *read)
        self._streams: dict[str, CloudStream] = {}
        self._topic_of: dict[str, str] = {}
        self._ended: dict[str, StreamEnded] = {}  # their own topic is at its end, and a frame waits

    def take(self, topic: str, record: Any) -> Iterator[SampledCloud | StreamEnded]:
        """Take a record; give clouds, and the end of each stream behind its last cloud."""
        if topic == "timeline":
            self._tell(record)
        elif isinstance(record, StreamEnded):
            self._end(record)
        else:
            self._take_frame(topic, record)
        for stream in self._streams.values():
            yield from stream.clouds()
        yield from self._ends()

    def is_over(self) -> bool:
        """Whether nothing more can come."""
        return self._expected.is_over() and not self._ended

    def _ends(self) -> Iterator[StreamEnded]:
        """The streams of which nothing waits any more."""
        for name in [n for n in self._ended if n not in self._streams or not self._streams[n].waits]:
            self._expected.end(name)
            yield self._ended.pop(name)

    def _tell(self, event: Any) -> None:
        self._expected.tell(event)
        if isinstance(event, EpisodeStarted) and not self._streams:
            self._declare({stream.name: stream for stream in event.streams})
        for stream in self._streams.values():
            stream.learn(event)
        if isinstance(event, StreamEnded) and event.kind in SAMPLED_KINDS and not self._is_read(event):
            self._ended[event.stream] = event

    def _declare(self, declared: dict[str, StreamDeclared]) -> None:
        for name, stream in declared.items():
            made = self._stream(stream)
            if made is not None:
                self._streams[name] = made
                self._topic_of[name] = frame_topic(stream.kind)
                companion = declared.get(made.companion)
                if made.companion and (companion is None or companion.kind != made.companion_kind):
                    made.companion_ended()

    def _stream(self, declared: StreamDeclared) -> CloudStream | None:
        settings = self._settings.of(declared.name)
        if declared.kind == "depth":
            return _depth_stream(settings) if settings.camera_info else None
        if declared.kind == "cloud":
            return DeskewedStream(settings, declared.name) if settings.deskew_pose else CloudStream(settings)
        return None

    def _take_frame(self, topic: str, record: Any) -> None:
        """Take what stands in the topic of its stream's kind; anything else is the scorer's to set aside."""
        if self._topic_of.get(record.stream) == topic:
            self._streams[record.stream].take(record)
        for stream in self._streams.values():
            if stream.companion == record.stream:
                stream.learn(record)

    def _end(self, ended: StreamEnded) -> None:
        for stream in self._streams.values():
            if stream.companion == ended.stream:
                stream.companion_ended()
        if ended.kind in SAMPLED_KINDS:
            self._ended[ended.stream] = ended
        else:
            self._expected.end(ended.stream)

    def _is_read(self, ended: StreamEnded) -> bool:
        """Whether the stream's own topic will tell of its end."""
        return frame_topic(ended.kind) in self._topics


def _depth_stream(settings: StreamSettings) -> CloudStream:
    from processors.downsample.depth_stream import DepthStream  # noqa: PLC0415 - OpenCV only where it is asked for

    return DepthStream(settings)
