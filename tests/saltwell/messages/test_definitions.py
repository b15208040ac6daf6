import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap.writer import Writer
from mcap_ros2.decoder import DecoderFactory

from saltwell.contracts.frames import PointField
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.definitions import DEFINITIONS
from saltwell.messages.header import starts_with_header
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped
from saltwell.messages.text import String

STAMP_NS = 1_767_225_600_123_456_789
RECORDED = ["station_composite_6s", "tilt_laser"]


def numbers(count: int) -> np.ndarray:
    return np.arange(count) / 7 + 1


def read_by_others(type_name: str, data: bytes) -> Any:
    """The message as mcap-ros2-support reads it from a file with our definition."""
    file = io.BytesIO()
    writer = Writer(file)
    writer.start(profile="ros2")
    schema = writer.register_schema(type_name, "ros2msg", DEFINITIONS[type_name].encode())
    channel = writer.register_channel("/topic", "cdr", schema)
    writer.add_message(channel, log_time=0, publish_time=0, data=data)
    writer.finish()
    ((_, _, _, message),) = make_reader(
        io.BytesIO(file.getvalue()), decoder_factories=[DecoderFactory()]
    ).iter_decoded_messages()
    return message


def stamp_of(message: Any) -> tuple[int, str]:
    stamp = message.header.stamp
    return stamp.sec * 10**9 + stamp.nanosec, message.header.frame_id


def columns(message: Any, axes: str) -> list[float]:
    return [getattr(message, axis) for axis in axes]


def test_text_is_read_by_others() -> None:
    assert read_by_others("std_msgs/msg/String", String("拿起瓶子").encode()).data == "拿起瓶子"


def test_images_are_read_by_others() -> None:
    packed = read_by_others(
        "sensor_msgs/msg/CompressedImage", CompressedImage(STAMP_NS, "cam", "jpeg", b"123").encode()
    )
    assert (stamp_of(packed), packed.format, bytes(packed.data)) == ((STAMP_NS, "cam"), "jpeg", b"123")
    raw = read_by_others("sensor_msgs/msg/Image", Image(STAMP_NS, "cam", 2, 3, "mono8", True, 4, b"12345678").encode())
    described = (raw.height, raw.width, raw.encoding, raw.is_bigendian, raw.step)
    assert described == (2, 3, "mono8", 1, 4)
    assert (stamp_of(raw), bytes(raw.data)) == ((STAMP_NS, "cam"), b"12345678")


def test_clouds_are_read_by_others() -> None:
    fields = (PointField("x", 0, 7, 1), PointField("ring", 4, 4, 2))
    data = PointCloud2(STAMP_NS, "lidar", 1, 2, fields, False, 8, 16, bytes(range(16)), True).encode()
    cloud = read_by_others("sensor_msgs/msg/PointCloud2", data)
    assert [(f.name, f.offset, f.datatype, f.count) for f in cloud.fields] == [("x", 0, 7, 1), ("ring", 4, 4, 2)]
    assert (cloud.height, cloud.width, cloud.point_step, cloud.row_step) == (1, 2, 8, 16)
    assert (cloud.is_bigendian, cloud.is_dense, bytes(cloud.data)) == (False, True, bytes(range(16)))


@pytest.mark.parametrize("widths", [(2, 2, 2), (2, 0, 0), (0, 2, 0), (0, 0, 2), (0, 0, 0)])
def test_joints_are_read_by_others(widths: tuple[int, int, int]) -> None:
    parts = [numbers(width) for width in widths]
    joints = read_by_others("sensor_msgs/msg/JointState", JointState(STAMP_NS, "base", ("a", "bcd"), *parts).encode())
    assert (stamp_of(joints), joints.name) == ((STAMP_NS, "base"), ["a", "bcd"])
    assert [list(v) for v in (joints.position, joints.velocity, joints.effort)] == [list(p) for p in parts]


def test_poses_are_read_by_others() -> None:
    data = PoseStamped(STAMP_NS, "world", numbers(3), numbers(4)).encode()
    pose = read_by_others("geometry_msgs/msg/PoseStamped", data)
    assert stamp_of(pose) == (STAMP_NS, "world")
    assert columns(pose.pose.position, "xyz") == list(numbers(3))
    assert columns(pose.pose.orientation, "xyzw") == list(numbers(4))


def test_inertial_readings_are_read_by_others() -> None:
    parts = [numbers(n) * (k + 1) for k, n in enumerate((4, 9, 3, 9, 3, 9))]
    imu = read_by_others("sensor_msgs/msg/Imu", Imu(STAMP_NS, "torso", *parts).encode())
    assert stamp_of(imu) == (STAMP_NS, "torso")
    read = [
        columns(imu.orientation, "xyzw"),
        list(imu.orientation_covariance),
        columns(imu.angular_velocity, "xyz"),
        list(imu.angular_velocity_covariance),
        columns(imu.linear_acceleration, "xyz"),
        list(imu.linear_acceleration_covariance),
    ]
    assert read == [list(part) for part in parts]


def test_definitions_say_what_the_recordings_say(recordings: Path) -> None:
    recorded: dict[str, str] = {}
    for name in RECORDED:
        with (recordings / f"{name}.mcap").open("rb") as file:
            summary = make_reader(file).get_summary()
            assert summary
            recorded |= {schema.name: schema.data.decode() for schema in summary.schemas.values()}
    assert set(DEFINITIONS) <= set(recorded)
    for name, definition in DEFINITIONS.items():
        assert parts_of(definition) == parts_of(recorded[name]), name


def parts_of(definition: str) -> list[str]:
    first, *others = definition.strip().split("=" * 80 + "\n")
    return [first.strip(), *sorted(part.strip() for part in others)]


def test_all_but_text_begin_with_a_header() -> None:
    without = [name for name, definition in DEFINITIONS.items() if not starts_with_header(definition)]
    assert without == ["std_msgs/msg/String"]
