"""A part is as far behind as its slowest partition."""

import time

import pytest

from saltwell.bus.lag import Lag
from saltwell.metrics import LAG_SECONDS


@pytest.fixture
def lag():
    return Lag("of-a-test")


def ago_ms(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def test_the_slowest_partition_counts(lag):
    lag.read("scores", 0, ago_ms(5))
    lag.read("scores", 1, ago_ms(60))
    lag.read("scores", 0, ago_ms(2))
    assert lag.seconds() == pytest.approx(60, abs=1)


def test_who_has_read_to_the_end_is_not_behind_however_old_the_record(lag):
    lag.read("scores", 0, ago_ms(3600))
    lag.at_end("scores", 0)
    assert lag.seconds() == 0


def test_a_part_that_stands_still_falls_behind_without_reading_anything(lag):
    lag.read("scores", 0, ago_ms(0))
    before = lag.seconds()
    deadline = time.monotonic() + 150
    while lag.seconds() <= before and time.monotonic() < deadline:
        pass
    assert lag.seconds() > before


def test_what_was_given_to_another_is_not_ours_to_catch_up(lag):
    lag.read("scores", 3, ago_ms(60))
    lag.read("timeline", 3, ago_ms(60))
    lag.drop(3)
    assert lag.seconds() == 0


def test_a_clock_of_the_broker_that_is_ahead_makes_no_negative_lag(lag):
    lag.read("scores", 0, ago_ms(-30))
    assert lag.seconds() == 0


def test_it_is_told_when_asked(lag):
    lag.read("scores", 0, ago_ms(60))
    [value] = [s.value for m in LAG_SECONDS.collect() for s in m.samples if s.labels["part"] == "of-a-test"]
    assert value == pytest.approx(60, abs=1)
