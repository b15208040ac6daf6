"""A short episode as the log holds it: a moving lidar, a depth camera, another one, and what they need."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from processors.downsample.processor import Downsample
from processors.downsample.settings import Settings, StreamSettings
from producers.memory import MemoryOutbox
from producers.publisher import EpisodePublisher
from producers.sample import CloudSample, ImageSample, MessageSample, PoseSample, Sample
from producers.simulate.camera_info import CameraInfo
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.frames import PointField
from saltwell.contracts.identity import StreamKind
from saltwell.contracts.timeline import StreamDeclared

MS = 1_000_000
START_NS = 1_767_225_600_000_000_000
FIELDS = tuple(PointField(name, 4 * i, 7, 1) for i, name in enumerate(("x", "y", "z", "time")))
LIDAR, DEPTH, OTHER_DEPTH, INFO, HEAD = "/lidar", "/chest/depth", "/head/depth", "/chest/info", "/head"
KINDS: dict[str, StreamKind] = {LIDAR: "cloud", DEPTH: "depth", OTHER_DEPTH: "depth", INFO: "other", HEAD: "pose"}
CAMERA = CameraInfo(START_NS, "chest", 16, 12, 60.0)

SETTINGS = Settings(
    streams={
        LIDAR: StreamSettings(deskew_pose=HEAD),
        DEPTH: StreamSettings(camera_info=INFO, min_points=1, voxel_m=0.02),
    }
)


def cloud(n: int, *, cut: int = 0) -> Sample:
    """Scan n of a wall, seen while the head turns."""
    t = np.linspace(0, 0.05, 40, dtype=np.float32)
    points = np.stack([np.full_like(t, 3), t * 40 - 1, np.full_like(t, n), t], axis=1)
    payload = points.astype("<f4").tobytes()[: 640 - cut]
    at = START_NS + n * 100 * MS
    return CloudSample(LIDAR, at, at + 60 * MS, "lidar", 1, 40, FIELDS, False, 16, 640, True, payload, 0)


def depth(stream: str, n: int) -> Sample:
    image = np.full((12, 16), 1000 + n, "<u2")
    at = START_NS + (n * 66 + 5) * MS
    return ImageSample(stream, at, at + 30 * MS, "chest", False, "16UC1", 12, 16, 32, False, image.tobytes())


def info(n: int) -> Sample:
    at = START_NS + (n * 66 + 6) * MS
    return MessageSample(INFO, at, at + 40 * MS, "sensor_msgs/msg/CameraInfo", CAMERA.encode())


def pose(n: int) -> Sample:
    at = START_NS + (n * 11 - 20) * MS
    angle = n * 0.02
    return PoseSample(HEAD, at, at + 15 * MS, "world", np.zeros(3), np.array([0, 0, np.sin(angle), np.cos(angle)]))


def every_sample() -> list[Sample]:
    samples = [cloud(n) for n in range(4)] + [cloud(4, cut=3)] + [pose(n) for n in range(45)]
    samples += [s for n in range(7) for s in (depth(DEPTH, n), depth(OTHER_DEPTH, n), info(n))]
    return samples


MakeLog = Callable[..., MemoryBus]
Run = Callable[..., list[Any]]


@pytest.fixture
def make_log() -> MakeLog:
    """The episode on an in-memory bus; streams can be left out, or stay without a message."""

    def make(*, undeclared: tuple[str, ...] = (), silent: tuple[str, ...] = ()) -> MemoryBus:
        bus = MemoryBus()
        publisher = EpisodePublisher(MemoryOutbox(bus), site="site", robot="robot", episode="episode")
        declared = [
            StreamDeclared(name, kind, 10.0, "nearest", "", "cdr", "ros2msg", "", {})
            for name, kind in KINDS.items()
            if name not in undeclared
        ]
        publisher.start(declared, started_ns=START_NS, task="", source={})
        missing = (*undeclared, *silent)
        for sample in sorted(every_sample(), key=lambda s: s.arrived_ns):
            if sample.stream not in missing:
                publisher.publish(sample)
        publisher.stop(stopped_ns=START_NS + 600 * MS)
        return bus

    return make


@pytest.fixture
def run() -> Run:
    """What the downsampler writes, reading the log in the interleaving of a seed."""

    def over(bus: MemoryBus, settings: Settings = SETTINGS, *, seed: int = 0) -> list[Any]:
        before = len(bus.records("clouds.sampled"))
        driver = bus.run(Downsample(settings), seed=seed)
        assert not driver.open_episodes()
        return bus.records("clouds.sampled")[before:]

    return over
