"""What packed points promise: a bounded error, the same points again, and no harm from any bytes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from saltwell.contracts.frames import SampledCloud
from saltwell.messages.cloud_points import (
    MAX_POINTS,
    STEP_M,
    SampledPoints,
    UnreadablePoints,
    pack_points,
    unpack_points,
)

sizes = st.shared(st.integers(0, 50), key="n")
near = st.floats(-100, 100, width=32)
any_float = st.floats(width=32, allow_nan=True, allow_infinity=True)
points = st.builds(
    SampledPoints,
    xyz=sizes.flatmap(lambda n: arrays(np.float32, (n, 3), elements=near)),
    intensity=st.none() | sizes.flatmap(lambda n: arrays(np.float32, n, elements=any_float)),
    count=sizes.flatmap(lambda n: arrays(np.int32, n, elements=st.integers(1, 2**31 - 1))),
)


def cloud(of: SampledPoints, *, step_m: float = STEP_M) -> SampledCloud:
    packed = pack_points(of, step_m=step_m)
    return SampledCloud(
        "site", "robot", "episode", "/points", 0, 0, "lidar", "voxel", 0.05, 99,
        packed.points, packed.step_m, packed.xyz, packed.intensity, packed.count,
    )  # fmt: skip


@given(points, st.sampled_from([0.0005, STEP_M, 0.01]))
@settings(deadline=None)
def test_a_coordinate_is_off_by_half_a_step_at_most(of: SampledPoints, step_m: float) -> None:
    again = unpack_points(cloud(of, step_m=step_m))
    rounding_m = np.spacing(np.abs(of.xyz)).max(initial=0)
    assert np.abs(again.xyz - of.xyz).max(initial=0) <= step_m / 2 + rounding_m


@given(points)
@settings(deadline=None)
def test_whole_steps_come_back_exactly_and_give_the_same_bytes(of: SampledPoints) -> None:
    once = cloud(of)
    again = unpack_points(once)
    assert cloud(again) == once
    np.testing.assert_array_equal(unpack_points(cloud(again)).xyz, again.xyz)


@given(points)
@settings(deadline=None)
def test_counts_are_exact(of: SampledPoints) -> None:
    np.testing.assert_array_equal(unpack_points(cloud(of)).count, of.count)


@given(arrays(np.float32, st.integers(1, 50), elements=any_float))
@settings(deadline=None)
def test_an_intensity_is_off_by_a_4096th_at_most_and_a_missing_one_stays_missing(intensity: Any) -> None:
    n = len(intensity)
    again = unpack_points(cloud(SampledPoints(np.zeros((n, 3), np.float32), intensity, np.ones(n, np.int32))))
    assert again.intensity is not None
    np.testing.assert_array_equal(np.isnan(again.intensity), np.isnan(intensity))
    usual = np.isfinite(intensity) & (np.abs(intensity) < 1e38) & (np.abs(intensity) > 1e-30)
    wide = intensity[usual].astype(np.float64)
    assert np.all(np.abs(again.intensity[usual] - wide) <= np.abs(wide) / 4096)


def test_whole_intensities_up_to_4096_are_exact() -> None:
    intensity = np.arange(4097, dtype=np.float32)
    of = SampledPoints(np.zeros((4097, 3), np.float32), intensity, np.ones(4097, np.int32))
    np.testing.assert_array_equal(unpack_points(cloud(of)).intensity, intensity)


@pytest.mark.parametrize("far", [np.nan, np.inf, 3e7])
def test_a_coordinate_that_no_step_can_hold_is_refused(far: float) -> None:
    of = SampledPoints(np.array([[0, far, 0]], np.float32), None, np.ones(1, np.int32))
    with pytest.raises(UnreadablePoints, match="beyond"):
        pack_points(of)


MADE = cloud(SampledPoints(np.ones((9, 3), np.float32), np.ones(9, np.float32), np.ones(9, np.int32)))


@pytest.mark.parametrize(
    "damage",
    [
        {"points": -1},
        {"points": 8},
        {"points": MAX_POINTS + 1},
        {"step_m": 0.0},
        {"step_m": float("nan")},
        {"step_m": 1e300},
        {"xyz": b""},
        {"xyz": MADE.count},
        {"count": MADE.xyz},
        {"intensity": MADE.intensity + b"x"},
        {"count": zstandard.ZstdCompressor(write_content_size=False).compress(bytes(36))},
    ],
    ids=str,
)
def test_columns_that_do_not_hold_the_points_are_unreadable(damage: dict[str, Any]) -> None:
    with pytest.raises(UnreadablePoints):
        unpack_points(replace(MADE, **damage))


def test_a_column_that_would_unpack_to_gigabytes_is_refused_before_it_does() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 28))
    with pytest.raises(UnreadablePoints, match="another size"):
        unpack_points(replace(MADE, xyz=bomb))


@given(st.sampled_from(["xyz", "intensity", "count"]), st.data())
@settings(deadline=None)
def test_damaged_bytes_are_unreadable_or_still_points(column: str, data: st.DataObject) -> None:
    damaged = bytearray(getattr(MADE, column))
    at = data.draw(st.integers(0, len(damaged) - 1))
    damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    for candidate in (bytes(damaged), bytes(damaged[:cut])):
        try:
            assert len(unpack_points(replace(MADE, **{column: candidate})).xyz) == 9
        except UnreadablePoints:
            continue
