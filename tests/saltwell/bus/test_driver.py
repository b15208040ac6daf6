from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.publisher import EpisodePublisher
from producers.sample import ImageSample, JointSample, PoseSample
from saltwell.bus.memory import MemoryBus
from saltwell.bus.processor import Arrival, Output, Processor
from saltwell.contracts.results import AlignmentBlock, ScoreBlock
from saltwell.contracts.timeline import StreamDeclared

T0_NS = 1_767_225_600_000_000_000
COLOR, JOINTS, POSE = "/color", "/joints", "/pose"
STREAMS = [
    StreamDeclared(COLOR, "color", 30.0, "nearest", "Image", "cdr", "ros2msg", "", {}),
    StreamDeclared(JOINTS, "joints", 100.0, "linear", "JointState", "cdr", "ros2msg", "", {}),
    StreamDeclared(POSE, "pose", 50.0, "slerp", "PoseStamped", "cdr", "ros2msg", "", {}),
]
PROCESSORS: dict[str, Any] = {
    "synchronize": Synchronize,
    "score": Score,
    "judge": lambda: Judge(load_criteria()),
}
GIVEN_BY = {"synchronize": ["alignment"], "score": ["scores"], "judge": ["verdicts"]}


def _samples(begin_ns: int, seed: int) -> list[Any]:
    dice = np.random.default_rng(seed)
    found: list[Any] = []
    for i in range(36):
        t = begin_ns + i * 33_333_333
        pixels = dice.integers(0, 255, (8, 8, 3), dtype=np.uint8).tobytes()
        found.append(
            ImageSample(COLOR, t, t + 30_000_000, "", False, "rgb8", 8, 8, 24, False, pixels[: 192 - (i == 9)])
        )
    for i in range(120):
        t, values = begin_ns + i * 10_000_000, np.array([i * 0.01, -i * 0.02])
        found.append(JointSample(JOINTS, t, t + 3_000_000, "", ("a", "b"), values, values, values))
    for i in range(60):
        t = begin_ns + i * 20_000_000
        found.append(PoseSample(POSE, t, t + 15_000_000, "", np.array([i, 0.0, 0.0]), np.array([0.0, 0, 0, 1])))
    return sorted(found, key=lambda s: s.arrived_ns)


def _publish(bus: MemoryBus, episode: str, begin_ns: int, seed: int) -> None:
    publisher = EpisodePublisher(MemoryOutbox(bus), site="site", robot="robot", episode=episode)
    publisher.start(STREAMS, started_ns=begin_ns, task="sort", source={})
    for sample in _samples(begin_ns, seed):
        publisher.publish(sample)
    publisher.stop(stopped_ns=begin_ns + 1_300_000_000)


@pytest.fixture(scope="module")
def log() -> dict[str, list[bytes]]:
    """Three takes one after another, and all that was made of them, as bytes by topic."""
    bus = MemoryBus()
    for i in range(3):
        _publish(bus, f"take-{i}", T0_NS + i * 2_000_000_000, i)
    for make in PROCESSORS.values():
        bus.run(make())
    return dict(bus._log)


def _bus(log: dict[str, list[bytes]], processor: Processor) -> MemoryBus:
    bus = MemoryBus()
    for topic in processor.topics:
        for value in log.get(topic, []):
            bus.append_bytes(topic, value)
    return bus


def _given(bus: MemoryBus, name: str) -> dict[str, list[bytes]]:
    """What a processor gave, by topic and by stream where interleaving may order streams differently."""
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for topic in [*GIVEN_BY[name], "dead", "late"]:
        for record in bus.records(topic):
            found[f"{topic} {record.episode} {getattr(record, 'stream', '')}"].append(bus.codec.encode(record))
    return dict(found)


@pytest.mark.parametrize("name", PROCESSORS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_interleaving_of_topics_gives_the_same(log, name: str, seed: int) -> None:
    first, other = (_bus(log, PROCESSORS[name]()) for _ in range(2))
    first.run(PROCESSORS[name](), seed=0)
    other.run(PROCESSORS[name](), seed=seed)
    assert _given(other, name) == _given(first, name)
    assert _given(first, name)


@pytest.mark.parametrize("name", PROCESSORS)
@settings(max_examples=10, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**32), min_size=2, max_size=4),
    stops=st.lists(st.integers(0, 400), min_size=3, max_size=3),
)
def test_a_crash_anywhere_changes_nothing_and_nothing_is_given_twice(log, name: str, seeds, stops) -> None:
    make = PROCESSORS[name]
    whole, crashed = (_bus(log, make()) for _ in range(2))
    whole.run(make())
    start: dict[str, int] = {}
    marks: dict[str, int] = {}
    still_open: list[str] = []
    for seed, stop in zip(seeds[:-1], stops, strict=False):
        driver = crashed.run(make(), seed=seed, start=start, marks=marks, open_episodes=still_open, stop_after=stop)
        if driver.replaying:
            continue  # it died before it had anything to commit
        start, marks, still_open = driver.low_watermarks(), driver.positions(), list(driver.open_episodes())
    last = crashed.run(make(), seed=seeds[-1], start=start, marks=marks, open_episodes=still_open)
    assert not last.replaying
    assert _given(crashed, name) == _given(whole, name)


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_restart_at_the_end_says_nothing_again(log, name: str) -> None:
    bus = _bus(log, PROCESSORS[name]())
    driver = bus.run(PROCESSORS[name]())
    before = _given(bus, name)
    bus.run(PROCESSORS[name](), seed=3, start={}, marks=driver.positions(), open_episodes=driver.open_episodes())
    assert _given(bus, name) == before


class Keeper:
    """Keeps the blocks of results that it is given."""

    name = "keeper"
    topics = ("alignment", "scores")

    def __init__(self) -> None:
        self.blocks: list[Any] = []

    def open(self, shard: int) -> "Keeper":
        return self

    def on_record(self, arrival: Arrival) -> Iterable[Output]:
        if isinstance(arrival.record, AlignmentBlock | ScoreBlock):
            self.blocks.append(arrival.record)
        return ()

    def open_episodes(self) -> Collection[str]:
        return {block.episode for block in self.blocks}

    def close(self) -> None:
        pass


@settings(max_examples=15, deadline=None)
@given(again_from=st.integers(0, 100), again_to=st.integers(0, 200), seed=st.integers(0, 2**32))
def test_results_that_stand_in_the_log_twice_count_once(log, again_from: int, again_to: int, seed: int) -> None:
    """A broker that forgets the end of a transaction has it done again: any stretch stands there twice."""
    bus = MemoryBus()
    for topic in {*Synchronize.topics, *Score().topics}:
        for value in log[topic]:
            bus.append_bytes(topic, value)
    for make in (Synchronize, Score):
        cut = bus.run(make(), seed=seed, stop_after=again_from)
        start, marks, still_open = cut.low_watermarks(), cut.positions(), list(cut.open_episodes())
        for stop_after in (again_to, None):
            bus.run(make(), seed=seed, start=start, marks=marks, open_episodes=still_open, stop_after=stop_after)
    once, twice = Keeper(), Keeper()
    _bus(log, once).run(once)
    bus.run(twice, seed=seed)

    assert sorted(map(bus.codec.encode, twice.blocks)) == sorted(map(bus.codec.encode, once.blocks))
