"""The recording in the repository, which `make demo` plays."""

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

SAMPLE = Path(__file__).parents[3] / "samples" / "sort_parts.mcap"
RATES_HZ = {
    "/head/color": 30,
    "/head/camera_info": 30,
    "/head/depth": 15,
    "/wrist_left/color": 30,
    "/wrist_right/color": 30,
    "/torso/points": 10,
    "/joint_states": 1000,
    "/action": 100,
    "/vr/head": 90,
    "/vr/left": 90,
    "/vr/right": 90,
}
COLOR = ("/head/color", "/wrist_left/color", "/wrist_right/color")


@pytest.fixture(scope="module")
def messages() -> dict[str, list[tuple[int, Any]]]:
    by_topic: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    with SAMPLE.open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        for _, channel, message, ros in reader.iter_decoded_messages(log_time_order=False):
            by_topic[channel.topic].append((message.log_time, ros))
    return by_topic


def _stamps_ns(messages: list[tuple[int, Any]]) -> Any:
    return np.array([ros.header.stamp.sec * 10**9 + ros.header.stamp.nanosec for _, ros in messages])


def test_it_is_small_enough_for_a_repository() -> None:
    assert SAMPLE.stat().st_size <= 12_000_000


def test_it_has_every_stream_at_its_rate_and_the_task(messages: Any) -> None:
    assert set(messages) == {*RATES_HZ, "/task"}
    assert len(messages["/task"]) == 1
    for topic, rate_hz in RATES_HZ.items():
        stamps_ns = _stamps_ns(messages[topic])
        assert len(stamps_ns) == 8 * rate_hz, topic
        gaps_s = np.diff(stamps_ns) / 1e9
        assert np.mean(gaps_s) == pytest.approx(1 / rate_hz, rel=1e-3), topic
        assert np.std(gaps_s) < 0.05 / rate_hz, topic


def test_arrivals_are_in_order_and_none_is_before_its_stamp(messages: Any) -> None:
    for topic in RATES_HZ:
        arrivals_ns = np.array([arrival for arrival, _ in messages[topic]])
        delays_ms = (arrivals_ns - _stamps_ns(messages[topic])) / 1e6
        assert np.all(np.diff(arrivals_ns) >= 0), topic
        assert delays_ms.min() > 0.9, topic
        assert delays_ms.max() < 70, topic


def test_no_camera_ever_freezes_or_clips(messages: Any) -> None:
    for topic in COLOR:
        before = None
        for _, ros in messages[topic]:
            picture = cv2.imdecode(np.frombuffer(ros.data, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert picture is not None
            assert ((picture <= 2) | (picture >= 253)).mean() < 0.05, topic
            assert before is None or np.any(picture != before), topic
            before = picture


def test_depth_moves_and_mostly_returns(messages: Any) -> None:
    depths = [np.frombuffer(ros.data, "<u2") for _, ros in messages["/head/depth"]]
    assert all(np.any(a != b) for a, b in pairwise(depths))
    assert max((depth == 0).mean() for depth in depths) < 0.15


def test_the_cloud_has_a_time_for_every_point_within_its_turn(messages: Any) -> None:
    for _, ros in messages["/torso/points"]:
        assert [field.name for field in ros.fields] == ["x", "y", "z", "intensity", "time"]
        points = np.frombuffer(ros.data, "<f4").reshape(-1, 5)
        assert len(points) == ros.width > 4000
        assert np.all(np.isfinite(points))
        assert points[:, 4].min() >= 0
        assert points[:, 4].max() < 0.05


def test_joints_report_position_velocity_and_torque(messages: Any) -> None:
    names = messages["/joint_states"][0][1].name
    assert len(names) == len(set(names)) == 18
    efforts = np.array([ros.effort for _, ros in messages["/joint_states"]])
    velocities = np.array([ros.velocity for _, ros in messages["/joint_states"]])
    positions = np.array([ros.position for _, ros in messages["/joint_states"]])
    assert efforts.std(axis=0).min() > 0.02
    # Velocity is the slope of position, so no column is in another's place.
    slope = np.diff(positions, axis=0) * 1000
    assert np.abs(slope - velocities[1:]).mean() < 0.02
    assert messages["/action"][0][1].name == ["neck_yaw", "neck_pitch", *names[2:]]
    assert len(messages["/action"][0][1].velocity) == 0


def test_where_it_comes_from_is_written_in_it() -> None:
    with SAMPLE.open("rb") as stream:
        [provenance] = make_reader(stream).iter_metadata()
    assert provenance.name == "provenance"
    assert provenance.metadata["seed"] == "7"
    assert provenance.metadata["seconds"] == "8"
    assert "false" not in provenance.metadata["in_bin_at_the_end"]
