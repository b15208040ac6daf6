"""Episodes whose every frame says which it is, through the real processors and the real sink, without Kafka."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from processors.downsample.processor import Downsample, Settings
from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.publisher import EpisodePublisher
from producers.sample import ImageSample, JointSample, PoseSample, Sample
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.timeline import StreamDeclared
from sinks.dataset.processor import train
from sinks.dataset.publish import Wanted, publish
from sinks.episodes.processor import Episodes
from sinks.store import Store, open_store

WANTED = Wanted(("accept", "review", "reject"))
T0_NS = 1_767_225_600_000_000_000
FRAME_NS = 33_333_333
COLOR, DEPTH, STATE, ACTION, HAND = "/head/color", "/head/depth", "/joint_states", "/action", "/vr/left"
SIDE = 64

_STREAMS = [
    StreamDeclared(COLOR, "color", 30.0, "nearest", "sensor_msgs/msg/CompressedImage", "cdr", "ros2msg", "", {}),
    StreamDeclared(DEPTH, "depth", 30.0, "nearest", "sensor_msgs/msg/Image", "cdr", "ros2msg", "", {}),
    StreamDeclared(STATE, "joints", 500.0, "linear", "sensor_msgs/msg/JointState", "cdr", "ros2msg", "", {}),
    StreamDeclared(ACTION, "joints", 100.0, "hold", "sensor_msgs/msg/JointState", "cdr", "ros2msg", "", {}),
    StreamDeclared(HAND, "pose", 90.0, "slerp", "geometry_msgs/msg/PoseStamped", "cdr", "ros2msg", "", {}),
]


def picture_of(number: int) -> np.ndarray[Any, Any]:
    """A picture that shows its number as sixteen fields, black or white, on a ground that gets lighter."""
    pixels = np.full((SIDE, SIDE, 3), 60 + number % 120, np.uint8)
    for bit in range(16):
        row, column = divmod(bit, 4)
        pixels[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = 230 if number >> bit & 1 else 20
    return pixels


def number_in(pixels: np.ndarray[Any, Any]) -> int:
    """The number that a picture shows."""
    fields = pixels.mean(axis=2).reshape(4, 16, 4, 16).mean(axis=(1, 3)).reshape(-1)
    return sum(1 << bit for bit, level in enumerate(fields) if level > 125)


def seconds_at(t_ns: int) -> float:
    """What the joints say at a time: seconds since the begin."""
    return (t_ns - T0_NS) / 1e9


def _samples(frames: int, lost: frozenset[int]) -> list[Sample]:
    found: list[Sample] = []
    for i in range(frames):
        t = T0_NS + i * FRAME_NS
        jpeg = cv2.imencode(".jpg", picture_of(i), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
        if i not in lost:
            found.append(ImageSample(COLOR, t, t + 20_000_000, "head", True, "jpeg", 0, 0, 0, False, jpeg))
        depth = np.full((8, 8), 1_000 + i, "<u2").tobytes()
        found.append(ImageSample(DEPTH, t, t + 21_000_000, "head", False, "16UC1", 8, 8, 16, False, depth))
    duration_ns = frames * FRAME_NS
    for t in range(T0_NS, T0_NS + duration_ns, 2_000_000):
        s = np.array([seconds_at(t), -seconds_at(t)])
        found.append(JointSample(STATE, t, t + 1_000_000, "", ("a", "b"), s, np.zeros(2), s * 10))
    for t in range(T0_NS, T0_NS + duration_ns, 10_000_000):
        goal = np.array([1.0, 2.0])
        found.append(JointSample(ACTION, t, t + 1_000_000, "", ("a", "b"), goal, np.empty(0), np.empty(0)))
    for t in range(T0_NS, T0_NS + duration_ns, 11_111_111):
        turn = seconds_at(t) / 2
        found.append(
            PoseSample(
                HAND,
                t,
                t + 9_000_000,
                "",
                np.array([seconds_at(t), 0.0, 0.0]),
                np.array([0.0, 0.0, np.sin(turn), np.cos(turn)]),
            )
        )
    return sorted(found, key=lambda sample: sample.arrived_ns)


def record_episode(
    store: Store,
    scratch: Path,
    name: str = "take-1",
    *,
    frames: int = 40,
    lost: frozenset[int] = frozenset(),
    task: str = "sort",
) -> str:
    """Record an episode into a store; gives its name."""
    bus = MemoryBus()
    publisher = EpisodePublisher(MemoryOutbox(bus), site="zigong", robot="g1-04", episode=name)
    publisher.start(_STREAMS, started_ns=T0_NS, task=task, source={"recording": "numbered"})
    for sample in _samples(frames, lost):
        publisher.publish(sample)
    publisher.stop(stopped_ns=T0_NS + frames * FRAME_NS + 50_000_000)
    for processor in (Synchronize(), Downsample(Settings()), Score(), Judge(load_criteria()), Episodes(store, scratch)):
        bus.run(processor)
    assert [finished.episode for finished in bus.records("episodes.finished")] == [name]
    return name


@pytest.fixture
def record() -> Callable[..., str]:
    """Records an episode into a store; see `record_episode`."""
    return record_episode


MakeEpisode = Callable[..., str]


@pytest.fixture
def make_episode(folder_store: Store, tmp_path: Path) -> MakeEpisode:
    """Records an episode into the store, and makes its training files."""

    def make(name: str = "take-1", **how: Any) -> str:
        record_episode(folder_store, tmp_path, name, **how)
        train(folder_store, name, tmp_path, codec="h264")
        return name

    return make


@pytest.fixture
def numbers() -> Callable[[np.ndarray[Any, Any]], int]:
    """Reads the number off a picture."""
    return number_in


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    """An empty store in a folder."""
    return open_store(str(tmp_path / "store"), create=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two takes of two tasks; the second lost a camera frame. Not to be changed."""
    folder = tmp_path_factory.mktemp("published")
    store = open_store(str(folder / "store"), create=True)
    for name, lost, task in (("take-1", frozenset[int](), "sort"), ("take-2", frozenset({7}), "stack")):
        record_episode(store, folder, name, lost=lost, task=task)
        train(store, name, folder, codec="h264")
    publish(store, WANTED, open_store(str(folder / "set"), create=True), folder, advance=lambda _: None)
    return folder / "set"
