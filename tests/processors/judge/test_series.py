"""Scores joined, and what is usual in them."""

import numpy as np
import pytest

from processors.judge.series import StreamScores, longest_run, spread, usual
from saltwell.contracts.columns import pack_f64, pack_i64
from saltwell.contracts.results import MetricColumn, ScoreBlock


def block(times: list[int], **metrics: list[float]) -> ScoreBlock:
    columns = [MetricColumn(name, pack_f64(values)) for name, values in metrics.items()]
    return ScoreBlock("s", "r", "e", "/head", "color", pack_i64(times), pack_i64(times), columns, (), 0)


def test_a_metric_stays_with_its_frames_when_a_block_lacks_it() -> None:
    scores = StreamScores()
    for one in (block([1, 2], a=[1.0, 2.0]), block([3]), block([4], a=[4.0], b=[9.0])):
        scores.add(one)
    times, values = scores.known("a")
    assert (times.tolist(), values.tolist()) == ([1, 2, 4], [1.0, 2.0, 4.0])
    assert scores.known("b")[0].tolist() == [4]
    assert scores.filled("a").tolist() == [1, 2, 2, 4]
    assert not scores.metric("c").size


def test_a_fault_of_two_seconds_does_not_make_itself_usual() -> None:
    values = np.ones(180)
    values[60:120] = 0.2
    assert usual(values).min() == 1


@pytest.mark.parametrize("frames", [0, 1, 3, 20, 400])
def test_usual_is_as_long_as_the_stream(frames: int) -> None:
    assert len(usual(np.arange(frames, dtype=float))) == frames


def test_the_spread_is_that_of_the_many() -> None:
    differences = np.random.default_rng(0).normal(0, 2, 1000)
    differences[:50] = 100
    assert spread(differences) == pytest.approx(2, rel=0.15)


def test_the_longest_run_counts_from_the_frame_before() -> None:
    bad = np.array([False, True, False, True, True, False])
    assert longest_run(np.arange(6) * 100_000_000, bad) == (0.2, 200_000_000, 400_000_000)
    assert longest_run(np.arange(2), np.zeros(2, dtype=bool)) == (0.0, 0, 0)
