from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.downsample.processor import Downsample, Settings
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from saltwell.bus.driver import ShardDriver
from saltwell.bus.raw import Raw
from saltwell.contracts.codec import Codec
from saltwell.contracts.results import SetAside
from saltwell.contracts.timeline import EpisodeStarted, EpisodeStopped

T0_NS = 1_767_225_600_000_000_000


def _raw(topic: str, value: bytes | None, offset: int = 0) -> Raw:
    return Raw(topic, 0, offset, b"robot", value)


def _event(cls: type, ordinal: int, *rest: Any) -> bytes:
    return Codec().encode(cls("site", "robot", "take", ordinal, *rest))


STARTED = _event(EpisodeStarted, 0, T0_NS, "sort", "", [], {})
STOPPED = _event(EpisodeStopped, 1, T0_NS, None)


def test_a_record_of_a_closed_episode_goes_to_late_whole() -> None:
    driver = ShardDriver(Synchronize(), 0, Codec())
    for offset, value in enumerate((STARTED, STOPPED)):
        assert not {"dead", "late"} & {r.topic for r in driver.feed(_raw("timeline", value, offset))}
    (aside,) = driver.feed(_raw("timeline", STOPPED, 2))
    assert isinstance(aside.record, SetAside)
    assert aside.topic == "late"
    assert aside.record.value == STOPPED
    assert (aside.record.by, aside.record.topic, aside.record.offset) == ("synchronize", "timeline", 2)
    assert (aside.record.robot, aside.record.episode) == ("robot", "take")


def test_bytes_that_are_no_record_go_to_dead_whole_and_by_the_owner_only() -> None:
    owner = ShardDriver(Score(), 0, Codec())
    (aside,) = owner.feed(_raw("frames.cloud", b"\0rubbish"))
    assert isinstance(aside.record, SetAside)
    assert (aside.topic, aside.record.value, aside.record.by) == ("dead", b"\0rubbish", "score")
    other = ShardDriver(Downsample(Settings()), 0, Codec())
    assert not [*other.feed(_raw("frames.cloud", b"\0rubbish"))]
    assert other.positions() == {"frames.cloud": 1}


@given(st.one_of(st.none(), st.binary(max_size=60)))
def test_no_bytes_stop_a_shard(value: bytes | None) -> None:
    driver = ShardDriver(Score(), 0, Codec())
    assert [r.topic for r in driver.feed(_raw("frames.color", value))] == ["dead"]
    assert driver.positions() == driver.low_watermarks() == {"frames.color": 1}
