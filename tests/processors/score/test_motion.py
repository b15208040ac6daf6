"""What the numbers about joint samples mean."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processors.score.motion import METRICS, MotionScore, MotionScorer, UnusableBlockError

Messages = Callable[[str, str], list[Any]]
Float64s = NDArray[np.float64]

MS = 1_000_000


def score_in_blocks(
    times_ns: NDArray[np.int64],
    position: Float64s | None,
    velocity: Float64s | None,
    torque: Float64s | None,
    *,
    begins: list[int] | None = None,
) -> list[MotionScore]:
    """Score a whole stream, cut at `begins` (default: every 5 samples)."""
    cuts = [0, *(begins if begins is not None else range(5, len(times_ns), 5)), len(times_ns)]
    scorer = MotionScorer()

    def cut(column: Float64s | None, begin: int, end: int) -> Float64s | None:
        return None if column is None else column[begin:end]

    return [
        scorer.score(times_ns[a:b], cut(position, a, b), cut(velocity, a, b), cut(torque, a, b))
        for a, b in pairwise(cuts)
    ]


def score_recording(stream: list[Any]) -> tuple[NDArray[np.int64], list[MotionScore]]:
    times = np.array([m.header.stamp.sec * 1_000_000_000 + m.header.stamp.nanosec for m in stream])
    columns = [np.array([getattr(m, name) for m in stream]) for name in ("position", "velocity", "effort")]
    return times, score_in_blocks(times, *columns)


def worst_spike(scores: list[MotionScore]) -> MotionScore:
    return max((one for one in scores if not math.isnan(one.torque_spike_nm)), key=lambda s: s.torque_spike_nm)


def test_every_metric_is_a_number_of_the_score() -> None:
    times = np.arange(100) * 10 * MS
    rows = np.random.default_rng(0).normal(size=(100, 3))
    last = score_in_blocks(times, rows, rows, rows)[-1]
    assert MotionScore._fields == METRICS
    assert all(math.isfinite(value) for value in last)


def test_the_recorded_torque_spike_is_found_at_its_time_and_joint(messages: Messages, recordings: Path) -> None:
    labels = json.loads((recordings / "station_composite_faults.labels.json").read_text())
    label = next(one for one in labels if one["kind"] == "torque_spike")
    stream = messages("station_composite_faults", "/joint_states")
    times, scores = score_recording(stream)
    spiking = [n for n, one in enumerate(scores) if one.torque_spike_nm > 25]
    worst = worst_spike(scores)
    assert worst.torque_spike_nm == pytest.approx(label["params"]["nm"], abs=1)
    assert stream[0].name[int(worst.torque_spike_joint)] == label["params"]["joint"]
    seen_ns = [times[5 * n] for n in spiking]
    assert min(seen_ns) >= label["start_ns"] - 50 * MS
    assert max(seen_ns) <= label["end_ns"] + 50 * MS


@pytest.mark.parametrize("name", ["kuka_torque", "station_composite_6s"])
def test_an_arm_at_work_shows_no_spike(messages: Messages, name: str) -> None:
    _, scores = score_recording(messages(name, "/joint_states"))
    assert worst_spike(scores).torque_spike_nm < 5


@pytest.mark.parametrize("period_ms", [1, 2, 5, 10])
@pytest.mark.parametrize("joint", [0, 2])
def test_a_spike_of_30_ms_is_found_at_any_rate_and_steps_and_ramps_are_none(period_ms: int, joint: int) -> None:
    times = np.arange(0, 1000, period_ms) * MS
    torque = np.zeros((len(times), 3))
    torque[:, 1] = np.where(times > 400 * MS, 80.0, 0.0)  # a load is taken up
    torque[:, 0] = times / MS * 0.05
    assert worst_spike(score_in_blocks(times, None, None, torque)).torque_spike_nm < 2
    torque[(times >= 700 * MS) & (times < 730 * MS), joint] += 60
    worst = worst_spike(score_in_blocks(times, None, None, torque))
    assert worst.torque_spike_nm == pytest.approx(60, abs=2)
    assert worst.torque_spike_joint == joint


@given(st.sets(st.integers(1, 119)), st.sampled_from([1, 2, 10]))
@settings(deadline=None)
def test_how_a_stream_is_cut_into_blocks_changes_nothing_it_comes_to(cuts: set[int], period_ms: int) -> None:
    rng = np.random.default_rng(7)
    times = np.arange(120) * period_ms * MS
    position, velocity, torque = (rng.normal(size=(120, 2)) for _ in range(3))
    torque[31, 1] = np.nan
    torque[70:72, 1] += 40
    whole = score_in_blocks(times, position, velocity, torque, begins=[])[0]
    parts = score_in_blocks(times, position, velocity, torque, begins=sorted(cuts))
    worst = worst_spike(parts)
    assert (worst.torque_spike_nm, worst.torque_spike_joint) == (whole.torque_spike_nm, whole.torque_spike_joint)
    assert max(one.torque_peak_nm for one in parts) == whole.torque_peak_nm
    assert sum(one.nan_count for one in parts) == whole.nan_count == 1


def test_speed_is_the_fastest_joints_given_velocity() -> None:
    times = np.arange(10) * 10 * MS
    velocity = np.tile([0.1, -0.9, 0.3], (10, 1))
    assert score_in_blocks(times, np.zeros((10, 3)), velocity, None)[-1].speed == 0.9


@pytest.mark.parametrize("velocity", [None, np.zeros((100, 2)), np.empty((0, 0))])
@pytest.mark.parametrize("period_ms", [1, 10, 33])
def test_speed_comes_from_positions_when_velocity_is_missing_or_left_at_zero(
    velocity: Float64s | None, period_ms: int
) -> None:
    times = np.arange(100) * period_ms * MS
    position = np.stack([np.zeros(100), times / 1e9 * -0.7], axis=1)
    scores = score_in_blocks(times, position, velocity, None)
    after_the_rate_is_known = scores[4:]
    assert [one.speed for one in after_the_rate_is_known] == pytest.approx([0.7] * 16)
    assert all(one.still_share == 0 for one in after_the_rate_is_known)


def test_samples_out_of_order_or_repeated_make_no_speed() -> None:
    times = np.arange(40) * 10 * MS
    order = [*range(20), 23, 22, 21, 20, 24, 24, *range(25, 40)]
    position = (times / 1e9 * 0.5)[:, np.newaxis]
    scores = score_in_blocks(times[order], position[order], None, None)
    assert max(one.speed for one in scores) == pytest.approx(0.5)


def test_samples_stamped_at_almost_the_same_time_make_no_speed() -> None:
    times = np.arange(40) * 10 * MS
    times[21] = times[20] + 1000
    position = (times / 1e9 * 0.5)[:, np.newaxis]
    position[21] += 0.001
    assert max(one.speed for one in score_in_blocks(times, position, None, None)) < 0.6


def test_standing_still_is_a_share_of_samples() -> None:
    times = np.arange(20) * 10 * MS
    velocity = np.zeros((20, 2))
    velocity[:8, 1] = 0.5
    shares = [one.still_share for one in score_in_blocks(times, None, velocity, None)]
    assert shares == pytest.approx([0, 0.4, 1, 1])


def test_what_a_robot_does_not_tell_is_not_measured() -> None:
    times = np.arange(20) * 10 * MS
    (nothing,) = score_in_blocks(times, None, None, None, begins=[])
    assert nothing.nan_count == 0
    assert all(math.isnan(value) for name, value in nothing._asdict().items() if name != "nan_count")


def test_values_that_are_not_finite_are_counted_and_otherwise_ignored() -> None:
    times = np.arange(40) * 10 * MS
    position, velocity, torque = np.zeros((40, 2)), np.full((40, 2), 0.1), np.full((40, 2), 3.0)
    position[3, 0], velocity[20, 1], torque[21:23, 0] = np.nan, np.inf, -np.inf
    (whole,) = score_in_blocks(times, position, velocity, torque, begins=[])
    assert whole == MotionScore(0.1, 3.0, 0, 0.0, 0, 0.0, 0, 4, 0.0, 0.0)


def test_another_number_of_joints_begins_anew() -> None:
    scorer, times = MotionScorer(), np.arange(30) * 10 * MS
    scorer.score(times, np.zeros((30, 2)), None, np.full((30, 2), 50.0))
    after = scorer.score(times + 300 * MS, np.zeros((30, 3)), None, np.zeros((30, 3)))
    assert (after.torque_spike_nm, after.torque_peak_nm) == (0, 0)


def test_an_empty_block_is_not_measured() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert math.isnan(MotionScorer().score(empty, np.empty((0, 7)), None, None).speed)


@pytest.mark.parametrize(
    ("position", "torque"),
    [((4, 3), None), ((5, 3), (5, 2)), ((5,), None), ((5, 3), (4, 3)), ((5, 3, 1), None)],
)
def test_columns_that_do_not_fit_are_a_record_to_skip(
    position: tuple[int, ...], torque: tuple[int, ...] | None
) -> None:
    with pytest.raises(UnusableBlockError):
        MotionScorer().score(np.arange(5), np.ones(position), None, None if torque is None else np.ones(torque))


@given(
    st.lists(
        st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=True, allow_infinity=True), st.floats()),
        min_size=1,
        max_size=40,
    )
)
@settings(deadline=None)
@pytest.mark.filterwarnings("error")
def test_any_numbers_give_a_score(rows: list[tuple[int, float, float]]) -> None:
    times = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([row[1:] for row in rows])
    for one in score_in_blocks(times, values, None, values):
        assert one.nan_count >= 0
