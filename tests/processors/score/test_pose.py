"""What the numbers about poses mean."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from processors.score.motion import UnusableBlockError
from processors.score.pose import METRICS, PoseScore, PoseScorer

Messages = Callable[[str, str], list[Any]]
Float64s = NDArray[np.float64]

MS = 1_000_000
UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


def score_in_blocks(
    times_ns: NDArray[np.int64],
    position: Float64s,
    orientation: Float64s | None = None,
    *,
    begins: list[int] | None = None,
) -> list[PoseScore]:
    """Score a whole stream, cut at `begins` (default: every 3 poses)."""
    turns = np.tile(UPRIGHT, (len(times_ns), 1)) if orientation is None else orientation
    cuts = [0, *(begins if begins is not None else range(3, len(times_ns), 3)), len(times_ns)]
    scorer = PoseScorer()
    return [scorer.score(times_ns[a:b], position[a:b], turns[a:b]) for a, b in pairwise(cuts)]


def swing(poses: int, period_ms: int = 11) -> tuple[NDArray[np.int64], Float64s]:
    """A hand that swings 30 cm to and fro, once a second."""
    times = np.arange(poses) * period_ms * MS
    angle = 2 * math.pi * times / 1e9
    return times, 0.3 * np.stack([np.sin(angle), np.cos(angle), np.zeros(poses)], axis=1)


def largest(scores: list[PoseScore], name: str) -> float:
    return float(np.nanmax([getattr(one, name) for one in scores]))


def test_every_metric_is_a_number_of_the_score() -> None:
    assert PoseScore._fields == METRICS
    assert all(math.isfinite(value) for value in score_in_blocks(*swing(30))[-1])


def test_speed_is_the_distance_to_the_pose_before_over_its_time() -> None:
    times, position = swing(90)
    assert largest(score_in_blocks(times, position), "speed_m_s") == pytest.approx(0.3 * 2 * math.pi, rel=1e-3)


@pytest.mark.parametrize("jump_m", [0.1, 1.0])
@pytest.mark.parametrize("back_after", [1, 2, None])
def test_a_jump_is_measured_and_a_swing_is_none(jump_m: float, back_after: int | None) -> None:
    times, position = swing(90)
    assert largest(score_in_blocks(times, position), "jump_m") == 0
    end = None if back_after is None else 40 + back_after
    position[40:end, 2] += jump_m
    speed_m_s = 0.3 * 2 * math.pi
    expected = math.hypot(jump_m, speed_m_s * 0.011) - 3 * speed_m_s * 0.011
    assert largest(score_in_blocks(times, position), "jump_m") == pytest.approx(expected, rel=0.01)


def test_a_gap_in_time_is_no_jump() -> None:
    times, position = swing(90)
    kept = np.r_[0:40, 52:90]
    assert largest(score_in_blocks(times[kept], position[kept]), "jump_m") == 0


@given(st.sets(st.integers(1, 59)))
@settings(deadline=None)
def test_how_a_stream_is_cut_into_blocks_changes_nothing_it_comes_to(cuts: set[int]) -> None:
    times, position = swing(60)
    position[33:, 0] += 0.4
    position[12] = np.nan
    whole = score_in_blocks(times, position, begins=[])[0]
    parts = score_in_blocks(times, position, begins=sorted(cuts))
    assert largest(parts, "jump_m") == whole.jump_m
    assert largest(parts, "speed_m_s") == whole.speed_m_s
    assert sum(one.nan_count for one in parts) == whole.nan_count == 3


def test_a_quaternion_that_is_no_rotation_is_measured() -> None:
    times, position = swing(3)
    for scale, error in [(1.0, 0.0), (0.9, 0.1), (0.0, 1.0)]:
        turns = np.tile(UPRIGHT * scale, (3, 1))
        assert score_in_blocks(times, position, turns)[0].quaternion_error == pytest.approx(error)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("station_composite_6s", "/vr/head"),
        ("station_composite_faults", "/vr/head"),
        ("station_composite_6s", "/vr/right"),
        ("quest2_ur5e_traj1", "/tcp/pose"),
        ("tum_rgbd_6s", "/mocap/pose"),
    ],
)
def test_real_motion_shows_no_jump_even_when_the_clock_steps(messages: Messages, name: str, topic: str) -> None:
    assert largest(score_recording(messages(name, topic)), "jump_m") < 0.002


def test_a_real_tracking_jump_is_found_once(messages: Messages) -> None:
    scores = score_recording(messages("station_composite_6s", "/vr/left"))
    assert [round(one.jump_m, 1) for one in scores if one.jump_m > 0.01] == [0.4]


def score_recording(stream: list[Any]) -> list[PoseScore]:
    times = np.array([m.header.stamp.sec * 1_000_000_000 + m.header.stamp.nanosec for m in stream])
    poses = [m.pose for m in stream]
    position = np.array([[p.position.x, p.position.y, p.position.z] for p in poses])
    turns = np.array([[p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w] for p in poses])
    return score_in_blocks(times, position, turns)


@pytest.mark.parametrize(("position", "orientation"), [((5, 2), (5, 4)), ((4, 3), (5, 4)), ((5, 3), (5, 3))])
def test_columns_that_do_not_fit_are_a_record_to_skip(position: tuple[int, int], orientation: tuple[int, int]) -> None:
    with pytest.raises(UnusableBlockError):
        PoseScorer().score(np.arange(5), np.zeros(position), np.zeros(orientation))


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.floats()), min_size=1, max_size=30))
@settings(deadline=None)
@pytest.mark.filterwarnings("error")
def test_any_numbers_give_a_score(rows: list[tuple[int, float, float]]) -> None:
    times = np.array([row[0] for row in rows], dtype=np.int64)
    values = np.array([[row[1], row[2], row[1], row[2]] for row in rows])
    for one in score_in_blocks(times, values[:, :3], values):
        assert one.nan_count >= 0
