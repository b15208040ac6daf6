"""What the numbers about a depth image mean."""

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

from processors.score.decode import UnreadableImageError
from processors.score.depth import METRICS, DepthScore, DepthScorer

Messages = Callable[[str, str], list[Any]]
Depth = NDArray[np.uint16]

sides = st.tuples(st.integers(1, 12), st.integers(1, 12))
readings = st.sampled_from([0, 1, 199, 200, 960, 1000, 1029, 1031, 1100, 5000, 5149, 5151, 65534, 65535])


def score(*images: Depth) -> DepthScore:
    """Score of the last of these images."""
    scorer = DepthScorer()
    for image in images:
        height, width = image.shape
        result = scorer.score(image.tobytes(), encoding="16UC1", width=width, height=height, step=2 * width)
    return result


def flat(mm: int) -> Depth:
    return np.full((48, 64), mm, dtype=np.uint16)


def flying_pixels(depth: Depth) -> int:
    """Count by the definition, pixel by pixel."""
    count = 0
    for row in depth.astype(int).tolist():
        for left, mm, right in zip(row, row[1:], row[2:], strict=False):
            between = left < mm < right or left > mm > right
            far = min(abs(mm - left), abs(mm - right)) > max(30, mm * 3 // 100)
            count += between and far and min(left, mm, right) > 0 and mm < 65535
    return count


def test_every_metric_is_a_number_of_the_score() -> None:
    result = score(flat(900), flat(1000))
    assert all(math.isfinite(getattr(result, name)) for name in METRICS)
    assert set(DepthScore._fields) == set(METRICS)


@given(arrays(np.uint16, sides, elements=readings))
@settings(deadline=None)
def test_shares_are_counts_of_pixels(depth: Depth) -> None:
    result = score(depth)
    valid = int(((depth > 0) & (depth < 65535)).sum())
    assert result.valid_share == valid / depth.size
    assert result.saturated_share == (depth == 65535).mean()
    if valid:
        assert result.near_share == ((depth > 0) & (depth < 200)).sum() / valid
        assert result.flying_share == flying_pixels(depth) / valid
    else:
        assert math.isnan(result.near_share)
        assert math.isnan(result.flying_share)


def test_an_edge_is_not_flying_but_a_pixel_in_its_middle_is() -> None:
    edge = flat(1000)
    edge[:, 32:] = 2000
    mixed = edge.copy()
    mixed[10, 31] = 1500
    assert score(edge).flying_share == 0
    assert score(mixed).flying_share == 1 / mixed.size


def test_the_median_is_of_readings_only() -> None:
    depth = flat(1200)
    depth[::2] = 0
    depth[1::2, :8] = 65535
    depth[:, 40:] = 1300
    assert score(depth).median_mm in (1200, 1300)
    assert math.isnan(score(flat(0)).median_mm)


def test_motion_is_the_mean_difference_where_both_images_have_readings() -> None:
    before, after = flat(1000), flat(1040)
    before[:24] = 0
    after[:, :32] = 65535
    assert score(before, after).motion == 40
    assert score(after, before).motion == 40
    assert math.isnan(score(before).motion)
    assert math.isnan(score(flat(0), after).motion)
    assert math.isnan(score(before[:24], after).motion)


def test_noise_is_measured_between_edges() -> None:
    rng = np.random.default_rng(3)
    depth = (1000 + 4 * np.arange(640) + rng.normal(0, 6, (480, 640))).astype(np.uint16)
    depth[:, 320:] += 900
    depth[rng.random(depth.shape) < 0.1] = 0
    assert score(depth).noise_mm == pytest.approx(6, rel=0.1)


def test_a_cut_image_is_unreadable() -> None:
    with pytest.raises(UnreadableImageError, match="100 bytes"):
        DepthScorer().score(bytes(100), encoding="16UC1", width=64, height=48, step=128)


def test_a_recorded_freeze_repeats_exactly_the_labelled_frames(messages: Messages, recordings: Path) -> None:
    labels = json.loads((recordings / "station_composite_faults.labels.json").read_text())
    frozen = next(label for label in labels if label["kind"] == "freeze")["message_numbers"]["/chest/depth"]
    scorer = DepthScorer()
    scores = [
        scorer.score(bytes(m.data), encoding=m.encoding, width=m.width, height=m.height, step=m.step)
        for m in messages("station_composite_faults", "/chest/depth")
    ]
    assert [number for number, one in enumerate(scores) if one.motion == 0] == frozen
    assert all(0.6 < one.valid_share < 0.9 and one.flying_share < 0.002 for one in scores)
