"""The downsampler: every cloud once, made smaller; depth images of the streams that are set so, made clouds."""

from collections.abc import Collection, Iterable

from processors.downsample.episode import EpisodeClouds
from processors.downsample.settings import Settings
from saltwell.bus.processor import Arrival, Output
from saltwell.metrics import OPEN_EPISODES


class Downsample:
    """Sampled clouds of a shard.

    Reads frames.cloud and the timeline; depth images and calibrations, or poses, only when a stream is set to need
    them, because heavy bytes have few readers.
    """

    name = "downsample"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topics = topics_of(settings)

    def open(self, shard: int) -> "DownsampleShard":
        """Begin a shard with nothing known."""
        del shard
        return DownsampleShard(self._settings, self.topics)


class DownsampleShard:
    """Episodes that are not over."""

    def __init__(self, settings: Settings, topics: Collection[str]) -> None:
        self._settings = settings
        self._topics = topics
        self._episodes: dict[str, EpisodeClouds] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Sample a cloud; one that can't be read is the scorer's to set aside."""
        name = arrival.record.episode
        if name not in self._episodes:
            self._episodes[name] = EpisodeClouds(self._settings, self._topics)
        episode = self._episodes[name]
        for record in episode.take(arrival.topic, arrival.record):
            yield Output("clouds.sampled", record)
        if episode.is_over():
            del self._episodes[name]
        OPEN_EPISODES.labels(Downsample.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes that are not over."""
        return self._episodes.keys()

    def close(self) -> None:
        """Nothing to let go of."""


def topics_of(settings: Settings) -> tuple[str, ...]:
    """The topics that these settings need."""
    topics = ["frames.cloud", "timeline"]
    if any(one.camera_info for one in settings.all()):
        topics += ["frames.depth", "frames.other"]
    if any(one.deskew_pose for one in settings.all()):
        topics.append("frames.pose")
    return tuple(topics)
