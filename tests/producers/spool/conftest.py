"""What tests of the spool share: an episode to record, and a broker that can be told to fail."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from producers.publisher import EpisodePublisher
from producers.sample import ImageSample, JointSample, Sample
from producers.spool.facts import Identity, Numbered, fact_of
from producers.spool.link import LinkBroken
from producers.spool.log import SpoolLog
from producers.spool.outbox import SpoolOutbox
from producers.spool.recovery import recover
from producers.spool.room import Room
from producers.spool.sender import Sender
from saltwell.contracts.codec import Codec, PinnedIds
from saltwell.contracts.timeline import StreamDeclared, StreamEnded

T0_NS = 1_767_225_600_000_000_000
COLOR, JOINTS = "/head/color", "/joint_states"
STREAMS = [
    StreamDeclared(COLOR, "color", 30.0, "nearest", "CompressedImage", "cdr", "ros2msg", "", {}),
    StreamDeclared(JOINTS, "joints", 100.0, "linear", "JointState", "cdr", "ros2msg", "", {}),
]
PLENTY = Room(cap_bytes=10**12, reserve_bytes=0, floor_bytes=0)

Records = list[tuple[str, Any]]


def image(frame: int, *, size: int = 1000) -> ImageSample:
    captured_ns = T0_NS + frame * 33_333_333
    payload = frame.to_bytes(8, "big") + bytes(max(size - 8, 0))
    return ImageSample(COLOR, captured_ns, captured_ns + 30_000_000, "", True, "jpeg", 0, 0, 0, False, payload)


def joints(frame: int) -> JointSample:
    captured_ns = T0_NS + frame * 10_000_000
    values = np.array([float(frame)])
    return JointSample(JOINTS, captured_ns, captured_ns + 3_000_000, "", ("a",), values, values, values)


class Collected:
    """An outbox that keeps everything."""

    def __init__(self) -> None:
        self.sent: Records = []

    def send(self, topic: str, record: Any, *, on_lost: Any = None) -> int:
        self.sent.append((topic, record))
        return len(Codec().encode(record))

    def flush(self) -> None:
        """It is all there."""


@dataclass
class Take:
    """One episode: its samples in order of arrival, published to any outbox."""

    robot: str = "robot"
    episode: str = "episode"
    frames: int = 30
    size: int = 1000
    source_drops: frozenset[int] = frozenset()

    def samples(self) -> list[Sample]:
        images = [image(i, size=self.size) for i in range(self.frames) if i not in self.source_drops]
        made: list[Sample] = [*images, *(joints(i) for i in range(self.frames * 3))]
        return sorted(made, key=lambda s: s.arrived_ns)

    def begin(self, outbox: Any) -> EpisodePublisher:
        publisher = EpisodePublisher(outbox, site="site", robot=self.robot, episode=self.episode)
        publisher.start(STREAMS, started_ns=T0_NS, task="sort", source={})
        return publisher

    def record(self, outbox: Any, *, upto: int | None = None, flush_every: int = 10**9) -> None:
        """All of it, or its first samples and no end; each flush closes a chunk."""
        publisher = self.begin(outbox)
        samples = self.samples()[:upto]
        for i, sample in enumerate(samples, start=1):
            publisher.publish(sample)
            if i % flush_every == 0:
                outbox.flush()
        if upto is None:
            publisher.stop(stopped_ns=samples[-1].arrived_ns, success=True)

    def records(self) -> Records:
        """What a publisher without a spool sends of it, as it comes out of the log."""
        collected = Collected()
        self.record(collected)
        codec = Codec()
        return [(topic, codec.decode(codec.encode(record))) for topic, record in collected.sent]


class Broker:
    """A link that keeps what it is given; acknowledgements come in at a poll, unless it is told to break."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, bytes]] = []
        self.waiting: list[Callable[[], None]] = []
        self.unacknowledged: list[tuple[str, int]] = []
        self.break_after: list[int] = []
        self.room = 50

    def produce(self, topic: str, robot: str, value: bytes, on_acknowledged: Callable[[], None]) -> bool:
        if len(self.waiting) >= self.room:
            return False
        self.unacknowledged.append((type(Codec().decode(value)).__name__, len(self.waiting)))
        self.taken.append((topic, robot, value))
        self.waiting.append(on_acknowledged)
        return True

    def poll(self, timeout_s: float) -> None:
        if self.break_after and len(self.taken) >= self.break_after[0]:
            self.break_after.pop(0)
            raise LinkBroken("told to")
        waiting, self.waiting = self.waiting, []
        for acknowledge in waiting:
            acknowledge()

    def close(self) -> None:
        self.waiting.clear()

    def connect(self) -> tuple["Broker", PinnedIds]:
        return self, PinnedIds()

    def records(self) -> Records:
        return [(topic, Codec().decode(value)) for topic, _, value in self.taken]


def once(records: Records) -> Records:
    """What is left downstream, where a name that was seen is dropped."""
    kept: dict[bytes, tuple[str, Any]] = {}
    for topic, record in records:
        kept.setdefault(topic.encode() + Codec().encode(record), (topic, record))
    return list(kept.values())


def numbers(records: Records, stream: str) -> list[int]:
    """Frame numbers of a stream in some records."""
    facts = [fact_of(topic, record) for topic, record in records]
    return [seq for fact in facts if isinstance(fact, Numbered) and fact.stream == stream for seq in fact.seqs]


def frames(records: Records) -> Records:
    """The records that are frames, or blocks of them."""
    return [(t, r) for t, r in records if t != "timeline" and not isinstance(r, StreamEnded)]


def account_is_whole(records: Records, identity: Identity) -> None:
    """Each stream ends in both places, and what it says is there is there: sent = written + lost."""
    of_it = [(t, r) for t, r in records if (r.site, r.robot, r.episode) == identity]
    for stream in (COLOR, JOINTS):
        told = [r for t, r in of_it if isinstance(r, StreamEnded) and r.stream == stream and t == "timeline"]
        marks = [r for t, r in of_it if isinstance(r, StreamEnded) and r.stream == stream and t != "timeline"]
        assert told == marks
        [ended] = told
        kept = set(numbers(of_it, stream))
        lost = [seq for r in ended.missing for seq in range(r.first, r.first + r.count)]
        assert len(lost) == len(set(lost))
        assert kept | set(lost) == set(range(ended.last_seq + 1))
        assert not kept & set(lost)
        assert ended.count == len(kept)
    story = [r.ordinal for t, r in of_it if t == "timeline"]
    assert story == list(range(len(story)))


def data_end(path: Path) -> int:
    """Where the summary of a closed segment begins."""
    return path.read_bytes().rindex(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")


def outbox(log: SpoolLog) -> SpoolOutbox:
    return SpoolOutbox(log)


def until(true: Callable[[], bool], *, deadline_s: float = 150) -> bool:
    """Wait for something that another thread does."""
    end_s = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end_s, "it did not come about in time"
        threading.Event().wait(0.005)
    return True


def send_everything(folder: Path, log: SpoolLog, broker: Broker) -> None:
    """Send a spool whose log is closed, with a new sender."""
    sender = Sender(folder, log, broker.connect, pause_s=0.01)
    sender.start()
    until(lambda: sender.wait(0.05))


@dataclass
class Spooling:
    """Opens the log of a folder, as often as wanted."""

    folder: Path
    logs: list[SpoolLog] = field(default_factory=list)

    def log(self, **options: Any) -> SpoolLog:
        options = {"room": PLENTY, "durable_ms": 20} | options
        log = SpoolLog(self.folder, recover(self.folder), **options)
        self.logs.append(log)
        return log


@pytest.fixture
def spooling(tmp_path: Path) -> Iterator[Spooling]:
    folder = tmp_path / "spool"
    folder.mkdir()
    made = Spooling(folder)
    yield made
    for log in made.logs:
        log.close()


@pytest.fixture(scope="session")
def kit() -> ModuleType:
    """Everything in this file."""
    return sys.modules[__name__]
