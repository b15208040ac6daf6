"""Small good files of every format that Saltwell reads."""

import io
import tempfile
from pathlib import Path

import numpy as np
from mcap.writer import Writer
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

from bench.fuzz.records import JPEG, PERIOD_NS, START_NS, STREAMS, episode
from producers.spool.account import Accounts
from producers.spool.account_text import accounts_to_text
from producers.spool.chunk import encode_chunk
from producers.spool.entries import entry_of
from producers.spool.layout import segment_path
from producers.spool.segment import SegmentWriter
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.frames import PointField
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.definitions import DEFINITIONS
from saltwell.messages.image import CompressedImage, Image
from saltwell.messages.motion import Imu, JointState, PoseStamped
from saltwell.messages.text import String
from sinks.episodes.layout import MANIFEST_NAME
from sinks.episodes.manifest import ARCHIVE_NAME
from sinks.episodes.processor import Episodes
from sinks.store import open_store

Message = PointCloud2 | CompressedImage | Image | JointState | PoseStamped | Imu | String


def messages() -> dict[str, Message]:
    """A message of each type that Saltwell reads, by the name of its class."""

    def doubles(count: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.arange(count) / 7

    made: tuple[Message, ...] = (
        PointCloud2(START_NS, "lidar", 1, 2, (PointField("x", 0, 7, 1),), False, 4, 8, b"12345678", True),
        CompressedImage(START_NS, "head", "jpeg", JPEG),
        Image(START_NS, "chest", 1, 3, "mono8", False, 3, b"abc"),
        JointState(START_NS, "arm", ("a", "bc"), doubles(2), doubles(0), doubles(2)),
        PoseStamped(START_NS, "world", doubles(3), doubles(4)),
        Imu(START_NS, "torso", *(doubles(n) for n in (4, 9, 3, 9, 3, 9))),
        String("sort the parts"),
    )
    return {type(message).__name__: message for message in made}


def mcap() -> bytes:
    """A recording of one message of each type."""
    out = io.BytesIO()
    writer = Writer(out)
    writer.start(profile="ros2")
    for name, (stream, message_type) in STREAMS.items():
        short = message_type.split("/")[-1]
        schema = writer.register_schema(message_type, "ros2msg", DEFINITIONS[message_type].encode())
        channel = writer.register_channel(stream, "cdr", schema)
        data = messages()[short].encode()
        for number in range(1 + len(name) % 3):
            writer.add_message(channel, START_NS + number * PERIOD_NS, data, START_NS, number)
    writer.finish()  # type: ignore[no-untyped-call] # mcap gives it no types
    return out.getvalue()


def ros1_bag() -> bytes:
    """A ROS 1 bag of one line of text."""
    store = get_typestore(Stores.ROS1_NOETIC)
    text = store.types["std_msgs/msg/String"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take.bag"
        with Ros1Writer(path) as writer:
            connection = writer.add_connection("/task", "std_msgs/msg/String", typestore=store)
            raw = store.serialize_ros1(text(data="sort the parts"), "std_msgs/msg/String")
            writer.write(connection, START_NS, raw)
        return path.read_bytes()


def ros2_bag() -> dict[str, bytes]:
    """The files of a ROS 2 bag of one line of text, by name."""
    store = get_typestore(Stores.ROS2_HUMBLE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "take"
        with Ros2Writer(path, version=8) as writer:
            connection = writer.add_connection("/task", "std_msgs/msg/String", typestore=store)
            writer.write(connection, START_NS, String("sort the parts").encode())
        return {file.name: file.read_bytes() for file in path.iterdir()}


def spool_segment() -> bytes:
    """A segment of the edge spool that holds the frames and the timeline of an episode, in three chunks."""
    entries = [
        entry_of(topic, record, now_ns=START_NS)[0]
        for topic, record in episode()
        if topic == "timeline" or topic.startswith("frames.")
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = segment_path(Path(folder), 1)
        writer = SegmentWriter.create(path, accounts_to_text(Accounts()))
        for begin in range(0, len(entries), 20):
            writer.append(encode_chunk(entries[begin : begin + 20]))
        writer.seal()
        return path.read_bytes()


def stored_episode() -> tuple[bytes, bytes, bytes]:
    """Marker, manifest and MCAP file of a finished episode."""
    bus = MemoryBus()
    for topic, record in episode():
        bus.append(topic, record)
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "store"), create=True)
        bus.run(Episodes(store, Path(folder)))
        marker, manifest, archive = (
            next(key for key in store.list(top) if key.endswith(name))
            for top, name in (("finished", ".json"), ("episodes", MANIFEST_NAME), ("episodes", ARCHIVE_NAME))
        )
        return store.get(marker), store.get(manifest), store.get(archive)
