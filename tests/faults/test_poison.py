"""Records that nobody can use stop no part and take no time. Tried in memory, so that there can be many."""

import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from bench.faults.poison import poison
from processors.downsample.processor import Downsample
from processors.downsample.settings import StreamSettings, load_settings
from processors.judge.criteria import BUILT_IN, load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from saltwell.bus.driver import ShardDriver
from saltwell.bus.processor import Effect, Processor
from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from sinks.episodes.processor import Episodes
from sinks.store import open_store

RECORDS = 4_000
MOST_S = 60.0


@pytest.fixture
def parts(tmp_path: Path) -> dict[str, Processor]:
    judge = Judge(load_criteria(BUILT_IN))
    episodes = Episodes(open_store(str(tmp_path / "store"), create=True), tmp_path)
    return {
        part.name: part
        for part in (Synchronize(), Downsample(load_settings(None, base=StreamSettings())), Score(), judge, episodes)
    }


def raws(topics: tuple[str, ...], seed: int) -> Iterator[Raw]:
    offsets: Counter[str] = Counter()
    for topic, value in islice(poison(Random(seed), Codec()), RECORDS):
        if topic in topics:
            at_ms = offsets.total()
            yield Raw(topic, 0, offsets[topic], b"poison", value, at_ms, at_ms)
            offsets[topic] += 1


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["synchronize", "downsample", "score", "judge", "episodes"])
def test_no_poison_stops_a_part_or_takes_its_time(parts, name, seed, caplog):
    part = parts[name]
    driver = ShardDriver(part, 0, Codec())
    began_s = time.monotonic()
    try:
        for raw in raws(part.topics, seed):
            for result in driver.feed(raw):
                for _ in result.run() if isinstance(result, Effect) else ():
                    pass
            assert time.monotonic() - began_s < MOST_S, f"stuck at {raw.topic} {raw.value!r}"
    finally:
        driver.close()
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []  # refused, not stumbled over
