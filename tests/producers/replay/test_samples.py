from pathlib import Path

import pytest

from producers.replay.recorded import RecordedMessage, RecordedStream
from producers.replay.recording import open_recording
from producers.replay.samples import declare, kind_of, to_sample
from producers.sample import CloudSample, ImageSample, ImuSample, JointSample, MessageSample, PoseSample
from saltwell.messages.cdr import MalformedMessage

KINDS = {
    "station_composite_6s": {
        "/head/color": ("color", "nearest"),
        "/chest/color": ("color", "nearest"),
        "/chest/depth": ("depth", "nearest"),
        "/chest/camera_info": ("other", "hold"),
        "/torso/points": ("cloud", "nearest"),
        "/joint_states": ("joints", "linear"),
        "/vr/head": ("pose", "slerp"),
        "/vr/left": ("pose", "slerp"),
        "/vr/right": ("pose", "slerp"),
        "/task": ("other", "hold"),
    },
    "g1_pick_bottle_29": {
        "/head/color": ("color", "nearest"),
        "/joint_states": ("joints", "linear"),
        "/action": ("joints", "hold"),
        "/task": ("other", "hold"),
    },
    "tum_rgbd_6s": {
        "/camera/color": ("color", "nearest"),
        "/camera/depth": ("depth", "nearest"),
        "/camera/camera_info": ("other", "hold"),
        "/imu": ("imu", "linear"),
        "/mocap/pose": ("pose", "slerp"),
    },
}
SAMPLES = {
    "color": ImageSample,
    "depth": ImageSample,
    "cloud": CloudSample,
    "joints": JointSample,
    "pose": PoseSample,
    "imu": ImuSample,
    "other": MessageSample,
}


def stream(message_type: str, *, name: str = "/x", encoding: str = "cdr", schema: str = "") -> RecordedStream:
    return RecordedStream(name, message_type, encoding, "ros2msg", schema, {}, 30.0)


@pytest.mark.parametrize("name", KINDS)
def test_recorded_streams_are_declared_by_what_they_carry(recordings: Path, name: str) -> None:
    recording = open_recording(recordings / f"{name}.mcap")
    declared = {s.name: (s.kind, s.match) for s in map(declare, recording.streams)}
    recording.close()
    assert declared == KINDS[name]


@pytest.mark.parametrize("name", [*KINDS, "tilt_laser", "lidar_unaligned_cdr"])
def test_every_recorded_message_becomes_a_sample_of_its_kind(recordings: Path, name: str) -> None:
    recording = open_recording(recordings / f"{name}.mcap")
    readers = {s.name: (SAMPLES[kind_of(s)], to_sample(s)) for s in recording.streams}
    for message in recording.messages():
        cls, read = readers[message.stream]
        sample = read(message)
        assert type(sample) is cls
        assert (sample.stream, sample.arrived_ns) == (message.stream, message.arrived_ns)
        if isinstance(sample, MessageSample):
            assert sample.payload == message.data
    recording.close()


def test_the_station_s_stamps_begin_at_the_stated_time(recordings: Path) -> None:
    recording = open_recording(recordings / "station_composite_6s.mcap")
    readers = {s.name: to_sample(s) for s in recording.streams if s.name != "/task"}
    first: dict[str, int] = {}
    for message in recording.messages():
        if message.stream in readers:
            first.setdefault(message.stream, readers[message.stream](message).captured_ns)
    recording.close()
    assert len(first) == 9
    assert all(0 <= ns - 1_767_225_600_000_000_000 < 100_000 for ns in first.values())


def test_an_unknown_message_with_a_header_keeps_its_stamp_and_one_without_has_its_arrival() -> None:
    data = b"\0\1\0\0" + (5).to_bytes(4, "little") + (7).to_bytes(4, "little") + b"rest"
    message = RecordedMessage("/x", 99, data)
    stamped = to_sample(stream("a/msg/B", schema="# first\nstd_msgs/Header header\nint32 x"))(message)
    plain = to_sample(stream("a/msg/B", schema="int32 x"))(message)
    assert stamped == MessageSample("/x", 5_000_000_007, 99, "a/msg/B", data)
    assert plain == MessageSample("/x", 99, 99, "a/msg/B", data)


def test_messages_in_another_encoding_are_carried_as_they_are() -> None:
    other = stream("sensor_msgs/msg/Image", encoding="json")
    assert kind_of(other) == "other"
    assert to_sample(other)(RecordedMessage("/x", 5, b"{}")) == MessageSample("/x", 5, 5, other.message_type, b"{}")


@pytest.mark.parametrize("short", ["CompressedImage", "Image", "PointCloud2", "JointState", "PoseStamped", "Imu"])
def test_a_message_that_is_not_of_its_type_is_malformed(short: str) -> None:
    with pytest.raises(MalformedMessage):
        to_sample(stream(f"sensor_msgs/msg/{short}"))(RecordedMessage("/x", 0, b"\0\1\0\0short"))
