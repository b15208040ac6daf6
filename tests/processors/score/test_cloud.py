"""What the numbers about a scan mean."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from processors.score.cloud import METRICS, CloudScore, UnusableCloudError, score_cloud

Messages = Callable[[str, str], list[Any]]
Cloud = NDArray[np.float32]

any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)


def ring(degrees: NDArray[np.float64], radius_m: float = 5.0) -> Cloud:
    angles = np.radians(degrees)
    heights = np.full_like(angles, 0.5)
    points = np.stack([radius_m * np.cos(angles), radius_m * np.sin(angles), heights], axis=1)
    return points.astype(np.float32)


def xyz_of(message: Any) -> Cloud:
    """Coordinates of a recorded scan whose point begins with x, y, z, as far as there are bytes."""
    payload = bytes(message.data)
    points = len(payload) // message.point_step
    rows = np.frombuffer(payload, np.uint8, points * message.point_step).reshape(points, message.point_step)
    return np.ascontiguousarray(rows[:, :12]).view("<f4")


def test_every_metric_is_a_number_of_the_score() -> None:
    result = score_cloud(ring(np.arange(0.5, 360)))
    assert all(math.isfinite(getattr(result, name)) for name in METRICS)
    assert set(CloudScore._fields) == set(METRICS)


def test_lost_returns_are_points_but_not_valid() -> None:
    cloud = ring(np.arange(0.5, 360))
    cloud[:10], cloud[10:15], cloud[15, 2] = 0, np.nan, np.inf
    result = score_cloud(cloud)
    assert (result.points, result.valid_returns) == (360, 344)


@pytest.mark.parametrize(
    ("kept", "empty_deg"),
    [
        (np.arange(0.5, 360), 0),
        (np.arange(10.5, 360), 10),
        (np.arange(-119.5, 120), 120),  # the gap lies across the seam at 180 degrees
        (np.array([2.5]), 355),
        (np.empty(0), 360),
    ],
)
def test_the_empty_sector_is_the_widest_gap_around_the_circle(kept: NDArray[np.float64], empty_deg: float) -> None:
    assert score_cloud(ring(kept)).empty_sector_deg == empty_deg


def test_ranges_are_percentiles_of_valid_returns_in_three_dimensions() -> None:
    cloud = np.random.default_rng(0).normal(0, 10, (1000, 3)).astype(np.float32)
    truth = np.linalg.norm(cloud.astype(np.float64), axis=1)
    result = score_cloud(np.concatenate([cloud, np.zeros((500, 3), np.float32)]))
    assert result.range_p50_m == pytest.approx(np.percentile(truth, 50), rel=1e-5)
    assert result.range_p95_m == pytest.approx(np.percentile(truth, 95), rel=1e-5)


def test_an_empty_scan_has_no_ranges() -> None:
    result = score_cloud(np.empty((0, 3), np.float32))
    assert math.isnan(result.range_p50_m)
    assert math.isnan(result.range_p95_m)


@given(arrays(np.float32, st.tuples(st.integers(0, 40), st.just(3)), elements=any_float))
@settings(deadline=None)
def test_any_coordinates_give_a_score(cloud: Cloud) -> None:
    result = score_cloud(cloud)
    assert 0 <= result.valid_returns <= result.points == len(cloud)
    assert 0 <= result.empty_sector_deg <= 360


@pytest.mark.parametrize("shape", [(5,), (5, 2), (5, 4), (5, 3, 1)])
def test_another_shape_is_a_record_to_skip(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnusableCloudError):
        score_cloud(np.zeros(shape, np.float32))


def test_recorded_half_returns_stand_apart_from_every_whole_scan(messages: Messages, recordings: Path) -> None:
    labels = json.loads((recordings / "station_composite_faults.labels.json").read_text())
    numbers = {
        label["kind"]: label["message_numbers"]["/torso/points"]
        for label in labels
        if label["stream"] == "/torso/points"
    }
    scores = [score_cloud(xyz_of(m)) for m in messages("station_composite_faults", "/torso/points")]
    usual = np.median([one.valid_returns for one in scores])
    thin = [n for n, one in enumerate(scores) if one.valid_returns < 0.7 * usual]
    assert thin == sorted(numbers["half_returns"] + numbers["truncated_cloud"])


def test_a_lidar_that_looks_ahead_has_the_same_empty_sector_in_every_scan(messages: Messages) -> None:
    scores = [score_cloud(xyz_of(m)) for m in messages("lidar_luminar", "/lidar/points")]
    assert {one.empty_sector_deg for one in scores} == {240}
