"""Finished episodes of a recording in a store, by the real processors and the real sink, without Kafka."""

from pathlib import Path

from processors.downsample.processor import Downsample
from processors.downsample.settings import Settings
from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.replay.player import Part, play
from saltwell.bus.memory import MemoryBus
from sinks.episodes.processor import Episodes
from sinks.store import Store


def finish(recording: Path, store: Store, episode: str, scratch: Path) -> None:
    """Play a recording as an episode of one robot, up to its marker."""
    bus = MemoryBus()
    part = Part("bench", episode)
    play(recording, MemoryOutbox(bus), [part], site="bench", task="sort", real_time=False, on_message=lambda: None)
    for processor in (Synchronize(), Downsample(Settings()), Score(), Judge(load_criteria()), Episodes(store, scratch)):
        bus.run(processor)
