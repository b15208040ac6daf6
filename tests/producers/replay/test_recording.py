"""Recordings of every form give the same messages, and bad ones say so in one line."""

import struct
from pathlib import Path

import pytest
from mcap.writer import Writer
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

from producers.replay.player import Part, play
from producers.replay.recording import open_recording
from producers.replay.samples import to_sample
from saltwell.contracts.timeline import StreamEnded
from saltwell.errors import StopError
from saltwell.messages.motion import PoseStamped
from saltwell.messages.text import String


def poses_of(path: Path, stream: str) -> list[tuple[int, int, bytes]]:
    recording = open_recording(path)
    found = []
    for message in recording.messages():
        if message.stream == stream:
            pose = PoseStamped.decode(message.data)
            found.append((message.arrived_ns, pose.stamp_ns, pose.position.tobytes() + pose.orientation.tobytes()))
    recording.close()
    return found


def test_a_ros1_bag_gives_what_was_made_of_it_elsewhere(recordings, raw_data):
    bag = poses_of(raw_data / "ros1" / "traj1.bag", "/my_ur5e/endeffpos")
    mcap = poses_of(recordings / "quest2_ur5e_traj1.mcap", "/tcp/pose")

    assert len(bag) == 4731
    assert bag == mcap


def test_every_message_of_a_ros1_bag_becomes_a_sample(raw_data):
    recording = open_recording(raw_data / "ros1" / "traj1.bag")
    readers = {stream.name: to_sample(stream) for stream in recording.streams}

    samples = [readers[message.stream](message) for message in recording.messages()]

    assert len(samples) == recording.count
    recording.close()


def test_a_ros2_bag_folder_gives_the_messages_that_were_written(recordings, tmp_path):
    source = open_recording(recordings / "station_composite_6s.mcap")
    wanted = [m for m in source.messages() if m.stream in {"/joint_states", "/vr/head", "/head/color"}]
    source.close()
    types = {s.name: s.message_type for s in source.streams}
    store = get_typestore(Stores.ROS2_HUMBLE)
    with Ros2Writer(tmp_path / "bag", version=9) as writer:
        connections = {s: writer.add_connection(s, types[s], typestore=store) for s in {m.stream for m in wanted}}
        for message in wanted:
            writer.write(connections[message.stream], message.arrived_ns, message.data)

    bag = open_recording(tmp_path / "bag")
    found = [*bag.messages()]
    bag.close()

    assert sorted(found, key=lambda m: (m.arrived_ns, m.stream)) == sorted(
        wanted, key=lambda m: (m.arrived_ns, m.stream)
    )


def test_a_damaged_message_of_a_ros1_bag_is_counted_and_the_rest_arrives(raw_data, tmp_path):
    data = bytearray((raw_data / "ros1" / "traj1.bag").read_bytes())
    stamp_ns = poses_of(raw_data / "ros1" / "traj1.bag", "/my_ur5e/endeffpos")[100][1]
    stamp = struct.pack("<II", *divmod(stamp_ns, 1_000_000_000))
    length_at = data.index(stamp) + len(stamp)  # of the frame_id
    data[length_at : length_at + 4] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "take.bag").write_bytes(data)

    [played] = play(
        tmp_path / "take.bag",
        _Nowhere(),
        [Part("robot", "take")],
        site="site",
        task=None,
        real_time=False,
        on_message=lambda: None,
    )

    assert played.malformed == {"/my_ur5e/endeffpos": 1}
    ended: StreamEnded = played.streams["/my_ur5e/endeffpos"]
    assert [(r.count, r.cause) for r in ended.missing] == [(1, "malformed")]
    assert ended.count == 4730


@pytest.mark.parametrize(("name", "content"), [("take.bag", b"#ROSBAG V2.0\nrubbish"), ("take.mcap", b"rubbish")])
def test_a_file_that_is_no_recording_is_refused_in_one_line(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(StopError, match="not a readable recording") as error:
        open_recording(tmp_path / name)
    assert "\n" not in str(error.value)


def test_a_recording_without_messages_is_refused(tmp_path):
    with (tmp_path / "take.mcap").open("wb") as file:
        writer = Writer(file)
        writer.start()
        writer.finish()

    with pytest.raises(StopError, match="has no messages"):
        play(
            tmp_path / "take.mcap",
            _Nowhere(),
            [Part("robot", "take")],
            site="site",
            task=None,
            real_time=False,
            on_message=lambda: None,
        )


class _Nowhere:
    def send(self, topic, record, *, on_lost=None) -> int:
        return 0

    def flush(self) -> None:
        pass


def test_an_episode_of_our_own_plays_again_without_what_was_made_of_it(tmp_path, caplog):
    path = tmp_path / "episode.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start()
        schema = writer.register_schema("std_msgs/msg/String", "ros2msg", b"string data")
        for name in ("/points", "/points/sampled", "/saltwell/scores", "/head/sampled"):
            channel = writer.register_channel(name, "cdr", schema)
            writer.add_message(channel, 5, String(name).encode(), 5)
        writer.finish()
    recording = open_recording(path)
    assert [stream.name for stream in recording.streams] == ["/head/sampled", "/points"]
    assert sorted(message.stream for message in recording.messages()) == ["/head/sampled", "/points"]
    assert recording.count == 2
    recording.close()
    assert "/points/sampled, /saltwell/scores" in caplog.text


def test_a_folder_of_recordings_is_told_from_a_recording(tmp_path):
    (tmp_path / "take.mcap").write_bytes(b"")
    with pytest.raises(StopError, match="a folder that is no recording itself; give an .mcap file"):
        open_recording(tmp_path)
