"""From records to rows of metrics."""

import math

import numpy as np
import pytest

from processors.score.frames import _Rate, scorer_of
from processors.score.limits import Limits
from processors.score.memory import keep_freed_memory
from processors.score.settings import ScoreSettings
from processors.score.stream import StreamScorer
from saltwell.contracts.columns import f64, pack_f64, pack_i64
from saltwell.contracts.frames import ImageFrame, JointBlock

MS = 1_000_000


def joints(first: int, rows: int = 20, *, width: int = 2, names: tuple[str, ...] = ("a", "b"), level: float = 0.0):
    numbers = range(first, first + rows)
    times = pack_i64([n * MS for n in numbers])
    values = pack_f64(np.random.default_rng(first).normal(level, 0.1, (rows, width)))
    return JointBlock("s", "r", "e", "/joints", pack_i64(numbers), times, times, "", names, values, values, values)


@pytest.mark.parametrize("rate_hz", [10, 15, 30, 90])
def test_dear_metrics_are_measured_at_their_rate_on_any_stream(rate_hz: int) -> None:
    rate = _Rate(10.0)
    picked = sum(rate.picks(n * 1_000_000_000 // rate_hz) for n in range(10 * rate_hz))
    assert 99 <= picked <= 101


def test_a_clock_that_jumps_is_picked_up_at_once() -> None:
    rate = _Rate(10.0)
    assert [rate.picks(t * MS) for t in (0, 50, 100, 5000, 5050, 20, 60)] == [
        True,
        False,
        True,
        True,
        False,
        True,
        False,
    ]


def test_a_black_and_white_camera_has_no_colour_and_every_third_frame_its_quarters() -> None:
    scorer = scorer_of("color", ScoreSettings())
    rng = np.random.default_rng(0)

    def frame(n: int) -> ImageFrame:
        pixels = rng.integers(0, 255, (48, 64), dtype=np.uint8).tobytes()
        return ImageFrame("s", "r", "e", "/c", n, n * 33_333_333, 0, "", False, "mono8", 48, 64, 64, False, pixels)

    rows = [scorer.rows(frame(n))[0] for n in range(7)]
    assert ["upper_left" in row for row in rows] == [True, False, False, True, False, False, True]
    assert not any("red_green" in row for row in rows)


def test_a_block_whose_rows_do_not_fit_its_names_is_told_and_not_lost() -> None:
    scorer = scorer_of("joints", ScoreSettings())
    assert scorer.rows(joints(0))[-1]["mismatched"] == 0
    *others, last = scorer.rows(joints(20, width=1))
    assert last["mismatched"] == 20
    assert len(others) == 19


def test_limits_reach_the_joints_by_name() -> None:
    scorer = scorer_of("joints", ScoreSettings(limits={"b": Limits(-1.0, 1.0, 50.0)}))
    assert scorer.rows(joints(0))[-1]["beyond_limit"] == 0
    last = scorer.rows(joints(20, level=2.0))[-1]
    assert last["beyond_limit"] > 0.5
    assert last["beyond_limit_joint"] == 1


def test_what_a_block_of_joints_comes_to_stands_at_its_last_sample() -> None:
    scorer = StreamScorer("joints")
    list(scorer.add(joints(0)))
    list(scorer.add(joints(20)))
    block = scorer.block(joints(40))
    columns = {metric.name: f64(metric.values) for metric in block.metrics}
    assert np.flatnonzero(np.isfinite(columns["joints"])).tolist() == [19, 39]
    assert all(len(column) == 40 for column in columns.values())
    assert math.isnan(columns["path_rad"][0])


def test_the_allocator_is_asked_or_left_alone() -> None:
    assert keep_freed_memory() in (True, False)
