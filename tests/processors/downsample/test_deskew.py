"""A scan of a moving sensor becomes what it would have seen standing still."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from processors.downsample.deskew import (
    Motion,
    Pose,
    PoseTrack,
    deskewed,
    motion_between,
    placed,
    scan_times,
)
from processors.downsample.rotation import between, from_turn, inverse, product, to_turn, turned
from producers.replay.recording import open_recording
from saltwell.contracts.frames import CloudFrame, PointField
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.cloud_layout import xyz as xyz_of

MS = 1_000_000
turns = arrays(np.float64, 3, elements=st.floats(-1.7, 1.7))
vectors = arrays(np.float64, 3, elements=st.floats(-10, 10))
SCAN = CloudFrame("s", "r", "e", "/p", 0, 2_000_000_000, 0, "", 1, 3, (), False, 8, 24, True, b"")


@given(turns)
@settings(deadline=None)
def test_a_turn_survives_as_a_rotation(turn: Any) -> None:
    np.testing.assert_allclose(to_turn(from_turn(turn)), turn, atol=1e-9)
    np.testing.assert_allclose(to_turn(-from_turn(turn)), turn, atol=1e-9)


@given(turns, turns, vectors)
@settings(deadline=None)
def test_a_product_is_one_rotation_after_the_other(a: Any, b: Any, vector: Any) -> None:
    p, q = from_turn(a), from_turn(b)
    np.testing.assert_allclose(turned(product(p, q), vector), turned(p, turned(q, vector)), atol=1e-9)
    np.testing.assert_allclose(turned(inverse(p), turned(p, vector)), vector, atol=1e-9)


@given(turns, turns)
@settings(deadline=None)
def test_interpolation_begins_and_ends_where_it_should(a: Any, b: Any) -> None:
    p, q = from_turn(a), from_turn(b)
    for share, expected in ((0.0, p), (1.0, q)):
        assert abs(between(p, q, share) @ expected) == pytest.approx(1)


@given(turns, vectors, turns, vectors, st.floats(-0.1, 0.1))
@settings(deadline=None)
def test_a_wall_scanned_in_constant_motion_is_where_it_was_at_the_stamp(
    start: Any, place: Any, turn_rad_s: Any, velocity: Any, begins_s: float
) -> None:
    """The sensor turns at a constant rate about its own axis and moves straight; the wall stands in the world."""
    wall = np.random.default_rng(1).uniform(-20, 20, (40, 3))
    seconds = np.linspace(begins_s, begins_s + 0.1, len(wall))

    def pose(t: float) -> Pose:
        return Pose(place + velocity * t, product(from_turn(start), from_turn(turn_rad_s * t)))

    def seen(point: Any, t: float) -> Any:
        at = pose(t)
        return turned(inverse(at.orientation_xyzw), point - at.position_m)

    skewed = np.array([seen(p, t) for p, t in zip(wall, seconds, strict=True)], dtype=np.float32)
    at_stamp = np.array([seen(p, 0.0) for p in wall])
    motion = motion_between(pose(begins_s), pose(begins_s + 0.1), seconds=0.1, until_moment=-begins_s)
    np.testing.assert_allclose(deskewed(skewed, seconds, motion), at_stamp, atol=2e-4)


def test_a_speeding_sensor_leaves_a_tenth_of_the_error() -> None:
    """Constant velocity is an approximation: a head turn that speeds up from 0 to 2 rad/s within a second."""
    seconds = np.linspace(0.45, 0.55, 50)
    wall = np.array([5.0, 0, 0])
    angle = seconds**2
    skewed = np.stack([5 * np.cos(angle), -5 * np.sin(angle), 0 * angle], axis=1).astype(np.float32)

    def pose(t: float) -> Pose:
        return Pose(np.zeros(3), from_turn(np.array([0, 0, t**2])))

    at_stamp = turned(inverse(pose(0.45).orientation_xyzw), wall)
    motion = motion_between(pose(0.45), pose(0.55), seconds=0.1, until_moment=0.0)
    straight = deskewed(skewed, seconds - 0.45, motion)
    left, before = (np.linalg.norm(cloud - at_stamp, axis=1).max() for cloud in (straight, skewed))
    assert before > 0.4
    assert left < before / 10


def test_a_point_without_a_time_stays_as_it_is() -> None:
    xyz = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    motion = Motion(np.array([0, 0, 1.0]), np.array([1.0, 0, 0]))
    straight = deskewed(xyz, np.array([np.nan, 0.0]), motion)
    np.testing.assert_array_equal(straight, xyz)


def test_a_sensor_stands_where_its_body_carries_it() -> None:
    body = Pose(np.array([1.0, 0, 0]), from_turn(np.array([0, 0, np.pi / 2])))
    sensor = placed(body, Pose(np.array([0.5, 0, 0]), from_turn(np.array([np.pi, 0, 0]))))
    np.testing.assert_allclose(sensor.position_m, [1, 0.5, 0], atol=1e-9)
    np.testing.assert_allclose(turned(sensor.orientation_xyzw, np.array([1.0, 0, 1])), [0, 1, -1], atol=1e-9)


def track(*times_ms: int) -> PoseTrack:
    made = PoseTrack()
    for t in times_ms:
        made.add(t * MS, Pose(np.array([float(t), 0, 0]), np.array([0, 0, 0, 1.0])))
    return made


def test_a_pose_is_interpolated_between_its_neighbours_in_any_order_of_arrival() -> None:
    at = track(0, 20, 10, 30).at(13 * MS, known_at_ns=30 * MS)
    assert at is not None
    assert at.position_m[0] == pytest.approx(13)


def test_what_came_after_the_moment_was_reached_changes_nothing() -> None:
    early, late = track(0, 20), track(0, 20)
    late.add(10 * MS, Pose(np.array([99.0, 0, 0]), np.array([0, 0, 0, 1.0])))
    for one in (early, late):
        at = one.at(13 * MS, known_at_ns=13 * MS)
        assert at is not None
        assert at.position_m[0] == pytest.approx(13)
    assert not early.reaches(21 * MS)
    assert early.reaches(20 * MS)


@pytest.mark.parametrize("t_ms", [-1, 31, 100])
def test_there_is_no_pose_before_the_first_behind_the_last_or_inside_a_long_gap(t_ms: int) -> None:
    one = track(0, 30, 150) if t_ms == 100 else track(0, 30)
    assert one.at(t_ms * MS, known_at_ns=max(t_ms, 30) * MS) is None


def scan(values: Any, datatype: int, name: str, *, stamp_ns: int = SCAN.captured_ns) -> CloudFrame:
    """Three points of 1 m with a time in a field of 8 bytes."""
    kinds = {5: "<i4", 6: "<u4", 7: "<f4", 8: "<f8"}
    layout = np.dtype({"names": ["x", "t"], "formats": ["<f4", kinds[datatype]], "offsets": [0, 4], "itemsize": 12})
    points = np.zeros(3, layout)
    points["x"], points["t"] = 1, values
    fields = (*(PointField(n, 0, 7, 1) for n in "xyz"), PointField(name, 4, datatype, 1))
    return replace(SCAN, captured_ns=stamp_ns, fields=fields, point_step=12, row_step=36, payload=points.tobytes())


@pytest.mark.parametrize(
    ("values", "datatype", "name", "expected"),
    [
        ([0.0, 0.05, 0.1], 7, "time", [0, 0.05, 0.1]),
        ([-0.1, -0.05, 0], 7, "t", [-0.1, -0.05, 0]),
        ([0, 50 * MS, 100 * MS], 6, "t", [0, 0.05, 0.1]),
        ([2.0, 2.05, 2.1], 8, "timestamp", [0, 0.05, 0.1]),
    ],
)
def test_times_are_read_in_the_units_of_their_type(values: Any, datatype: int, name: str, expected: Any) -> None:
    times = scan_times(scan(values, datatype, name))
    assert times is not None
    np.testing.assert_allclose(times.seconds, expected, atol=1e-7)
    assert (times.first_s, times.last_s) == pytest.approx((expected[0], expected[-1]))


def test_times_in_the_clock_of_the_stamp_count_from_the_stamp() -> None:
    stamp_ns = 1_714_506_077_250_000_000
    times = scan_times(scan([1714506077.25, 1714506077.3, 1714506077.35], 8, "timestamp", stamp_ns=stamp_ns))
    assert times is not None
    np.testing.assert_allclose(times.seconds, [0, 0.05, 0.1], atol=1e-6)


@pytest.mark.parametrize(
    ("values", "datatype", "name"),
    [
        ([0.0, 0.05, 0.1], 7, "intensity"),
        ([0.0, 0.05, 1.5], 7, "time"),
        ([500.0, 500.05, 500.1], 8, "time"),
        ([np.nan, np.nan, np.inf], 8, "time"),
    ],
)
def test_a_scan_that_tells_no_times_of_one_scan_has_none(values: Any, datatype: int, name: str) -> None:
    assert scan_times(scan(values, datatype, name)) is None


@pytest.mark.parametrize(
    ("name", "span_s"),
    [
        ("lidar_vlp16", 0.1021),
        ("lidar_ouster_os0", 0.0999),
        ("lidar_ouster_os1", 0.0999),
        ("lidar_luminar", 0.0889),
        ("lidar_unaligned_cdr", 0.0498),
    ],
)
def test_every_lidar_that_was_recorded_tells_the_times_of_its_points(
    recordings: Path, name: str, span_s: float
) -> None:
    recording = open_recording(recordings / f"{name}.mcap")
    m = PointCloud2.decode(next(recording.messages()).data)
    recording.close()
    frame = replace(
        SCAN,
        captured_ns=m.stamp_ns,
        height=m.height,
        width=m.width,
        fields=m.fields,
        point_step=m.point_step,
        row_step=m.row_step,
        payload=bytes(m.data),
    )
    times = scan_times(frame)
    assert times is not None
    assert len(times.seconds) == len(xyz_of(frame))
    assert times.last_s - times.first_s == pytest.approx(span_s, abs=2e-3)
    assert abs(times.first_s) < 0.2
