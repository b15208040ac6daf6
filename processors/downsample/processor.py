"""The downsampler: every cloud once, as voxel centroids or as a fixed number of points."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from processors.downsample.voxels import voxel_centroids
from saltwell.bus.processor import Arrival, Output
from saltwell.contracts.frames import CloudFrame, SampledCloud
from saltwell.contracts.timeline import StreamEnded
from saltwell.messages.checks import UnreadableFrame, check_cloud
from saltwell.messages.cloud_layout import channel, xyz
from saltwell.metrics import DUPLICATES, OPEN_EPISODES


@dataclass(frozen=True, slots=True)
class Settings:
    """How clouds are made smaller: voxels of `voxel_m`, and to `farthest` points after that (0 = all)."""

    voxel_m: float = 0.05
    farthest: int = 0


class Downsample:
    """Sampled clouds of all cloud streams of a shard."""

    name = "downsample"
    topics = ("frames.cloud",)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def open(self, shard: int) -> "DownsampleShard":
        """Begin a shard with nothing known."""
        del shard
        return DownsampleShard(self._settings)


class DownsampleShard:
    """Cloud streams that have begun and not ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._episodes: dict[str, dict[str, set[int]]] = {}  # episode -> stream -> frames seen

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        """Sample a cloud; one that can't be read is the scorer's to set aside."""
        record = arrival.record
        streams = self._episodes.setdefault(record.episode, {})
        seen = streams.setdefault(record.stream, set())
        if isinstance(record, StreamEnded):
            yield Output("clouds.sampled", record)
            del streams[record.stream]
            if not streams:
                del self._episodes[record.episode]
        elif record.seq in seen:
            DUPLICATES.labels(Downsample.name).inc()
        else:
            seen.add(record.seq)
            sampled = sample(record, self._settings)
            if sampled is not None:
                yield Output("clouds.sampled", sampled)
        OPEN_EPISODES.labels(Downsample.name).set(len(self._episodes))

    def open_episodes(self) -> Collection[str]:
        """Episodes with a cloud stream that has not ended."""
        return self._episodes.keys()

    def close(self) -> None:
        """Nothing to let go of."""


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
        points_in=int(voxels.count.sum()),
        xyz_m=voxels.xyz[keep].astype("<f4").tobytes(),
        intensity=b"" if mean is None else mean[keep].astype("<f4").tobytes(),
        count=voxels.count[keep].astype("<i4").tobytes(),
    )
