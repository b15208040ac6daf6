"""The downsampler: every cloud once, as voxel centroids or as a fixed number of points."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from processors.downsample.voxels import voxel_centroids
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.frames import CloudFrame, SampledCloud
from saltwell.contracts.timeline import StreamEnded
from saltwell.messages.checks import UnreadableFrame, check_cloud
from saltwell.messages.cloud_layout import channel, xyz
from saltwell.messages.cloud_points import SampledPoints, pack_points
from saltwell.metrics import DUPLICATES, OPEN_EPISODES
from saltwell.streams import StreamsOfEpisode


@dataclass(frozen=True, slots=True)
class Settings:
    """How clouds are made smaller: voxels of `voxel_m`, and to `farthest` points after that (0 = all)."""

    voxel_m: float = 0.05
    farthest: int = 0


class Downsample:
    """Sampled clouds of a shard. The timeline is read for when an episode is over, nothing else."""

    name = "downsample"
    topics = ("frames.cloud", "timeline")

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self, shard: int) -> "DownsampleShard":
        """Begin a shard with nothing known."""
        del shard
        return DownsampleShard(self._settings)


@dataclass(slots=True)
class _Episode:
    expected: StreamsOfEpisode = field(default_factory=lambda: StreamsOfEpisode("cloud"))
    seen: dict[str, set[int]] = field(default_factory=dict)


class DownsampleShard:
    """Episodes that are not over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._episodes: dict[str, _Episode] = {}

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Sample a cloud; one that can't be read is the scorer's to set aside."""
        record = arrival.record
        episode = self._episodes.setdefault(record.episode, _Episode())
        if arrival.topic == "timeline":
            episode.expected.tell(record)
        elif isinstance(record, StreamEnded):
            yield Output("clouds.sampled", record)
            episode.expected.end(record.stream)
        else:
            yield from self._sample(episode.seen.setdefault(record.stream, set()), record)
        if episode.expected.is_over():
            del self._episodes[record.episode]
        OPEN_EPISODES.labels(Downsample.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes that are not over."""
        return self._episodes.keys()

    def close(self) -> None:
        """Nothing to let go of."""

    def _sample(self, seen: set[int], frame: CloudFrame) -> Iterable[Output]:
        if frame.seq in seen:
            DUPLICATES.labels(Downsample.name).inc()
            return
        seen.add(frame.seq)
        sampled = sample(frame, self._settings)
        if sampled is not None:
            yield Output("clouds.sampled", sampled)


def sample(frame: CloudFrame, settings: Settings) -> SampledCloud | None:
    """The smaller cloud; None when the frame can't be read."""
    try:
        check_cloud(frame)
    except UnreadableFrame:
        return None
    points, intensity = xyz(frame), channel(frame, "intensity")
    voxels = voxel_centroids(points, intensity, voxel_m=settings.voxel_m)
    keep, method = np.arange(len(voxels.count)), "voxel"
    if settings.farthest:
        from processors.downsample.farthest import farthest_points  # noqa: PLC0415 - open3d only where it is asked for

        keep, method = farthest_points(voxels.xyz, count=settings.farthest), "farthest"
    mean = voxels.intensity
    packed = pack_points(SampledPoints(voxels.xyz[keep], None if mean is None else mean[keep], voxels.count[keep]))
    return SampledCloud(
        site=frame.site,
        robot=frame.robot,
        episode=frame.episode,
        stream=frame.stream,
        seq=frame.seq,
        captured_ns=frame.captured_ns,
        frame_id=frame.frame_id,
        method=method,
        voxel_m=settings.voxel_m,
        points_in=voxels.valid,
        points=packed.points,
        step_m=packed.step_m,
        xyz=packed.xyz,
        intensity=packed.intensity,
        count=packed.count,
    )
