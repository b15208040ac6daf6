"""Recordings as streams and messages: MCAP, ROS 1/2 bags, files of clouds, LeRobot datasets. Bounded in memory."""

import hashlib
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from mcap.reader import McapReader, make_reader
from mcap.records import Channel, Schema
from rosbags.convert.converter import migrate_bytes
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.store import Typestore

from producers.replay.cloud_files import CloudFolder, is_cloud_folder
from producers.replay.recorded import RecordedMessage, RecordedStream, Recording, said
from saltwell.contracts.checks import RESERVED, SAMPLED_END
from saltwell.errors import StopError

log = logging.getLogger(__name__)

_NS = 1_000_000_000
_HASH_BYTES = 1024 * 1024
_FORMATS = "give an .mcap file, a .bag file, a ROS 2 bag folder, a folder of .pcd or .ply files, or a LeRobot dataset"


def open_recording(path: Path, episode_index: int | None = None) -> Recording:
    """Open a recording by its kind, of a dataset one episode; StopError in one line when it can't be read."""
    with _readable(path):
        return _open(path, episode_index)


def episode_indexes(path: Path, wanted: tuple[int, ...] = ()) -> list[int | None]:
    """The takes that a path holds: one, or the episodes of a dataset, all or those that are wanted."""
    with _readable(path):
        if _is_dataset(path):
            return [*_dataset_reader().chosen_episodes(path, wanted)]
    if wanted:
        raise StopError(f"{path}: no LeRobot dataset, so --episode-index does not go with it")
    return [None]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if not path.exists():
        raise StopError(f"{path}: no such file; {_FORMATS}")
    try:
        yield
    except StopError:
        raise
    except Exception as error:
        raise StopError(f"{path}: not a readable recording: {said(error)}; {_FORMATS}") from error


def _is_dataset(path: Path) -> bool:
    return (path / "meta/info.json").is_file()


def _dataset_reader() -> ModuleType:
    try:
        from producers.replay import lerobot  # noqa: PLC0415 - only who plays datasets needs video and parquet
    except (ImportError, OSError) as error:
        raise StopError(f"LeRobot datasets need more ({error}); pip install 'saltwell[dataset]'") from error
    return lerobot


def _open(path: Path, episode_index: int | None) -> Recording:
    if _is_dataset(path):
        if episode_index is None:
            raise StopError(f"{path}: a dataset holds many episodes; say which")
        episode: Recording = _dataset_reader().LeRobotEpisode(path, episode_index)
        return episode
    if path.suffix == ".mcap" and path.is_file():
        return McapRecording(path)
    if is_cloud_folder(path):
        return CloudFolder(path)
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        raise StopError(f"{path}: a folder that is no recording itself; {_FORMATS}")
    return BagRecording(path)


def content_hash(paths: Sequence[Path]) -> str:
    """SHA-256 of files, and of the files of folders in order."""
    digest = hashlib.sha256()
    for file in (file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])):
        if file.is_file():
            with file.open("rb") as data:
                while chunk := data.read(_HASH_BYTES):
                    digest.update(chunk)
    return digest.hexdigest()


class McapRecording:
    """An MCAP file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.paths, self.about = [path], dict[str, str]()
        self._file = path.open("rb")
        self._reader: McapReader = make_reader(self._file)
        summary = self._reader.get_summary()
        if summary is None or summary.statistics is None:
            raise ValueError("it has no summary; repair it with `mcap recover`")
        stats = summary.statistics
        seconds = (stats.message_end_time - stats.message_start_time) / _NS
        derived = _derived({channel.topic for channel in summary.channels.values()})
        given = {i: channel for i, channel in summary.channels.items() if channel.topic not in derived}
        counts = {i: stats.channel_message_counts.get(i, 0) for i in given}
        self.count = sum(counts.values())
        self.streams = [
            _mcap_stream(channel, summary.schemas.get(channel.schema_id), counts[i], seconds)
            for i, channel in sorted(given.items(), key=lambda item: item[1].topic)
        ]

    def messages(self) -> Iterator[RecordedMessage]:
        """All messages in order of log time."""
        try:
            for _, channel, message in self._reader.iter_messages([s.name for s in self.streams], log_time_order=True):
                yield RecordedMessage(channel.topic, message.log_time, message.data)
        except Exception as error:
            raise StopError(f"{self._path}: damaged: {said(error)}; repair it with `mcap recover`") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _derived(names: Collection[str]) -> set[str]:
    """What Saltwell made itself, in an episode of its own that is played again: it will be made again."""
    found = {name for name in names if name.startswith(RESERVED)}
    found |= {name for name in names if name.endswith(SAMPLED_END) and name.removesuffix(SAMPLED_END) in names}
    if found:
        log.warning("not played, because Saltwell makes them itself: %s", ", ".join(sorted(found)))
    return found


def _mcap_stream(channel: Channel, schema: Schema | None, count: int, seconds: float) -> RecordedStream:
    return RecordedStream(
        name=channel.topic,
        message_type=schema.name if schema else "",
        message_encoding=channel.message_encoding,
        schema_encoding=schema.encoding if schema else "",
        schema=schema.data.decode(errors="replace") if schema else "",
        metadata=channel.metadata,
        rate_hz=count / seconds if seconds > 0 else 0.0,
    )


class BagRecording:
    """A ROS 1 bag file or a ROS 2 bag folder, read with rosbags; ROS 1 messages become ROS 2 CDR."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.paths, self.about = [path], dict[str, str]()
        is_ros1 = path.suffix == ".bag"
        ros2 = get_typestore(Stores.ROS2_HUMBLE)
        # A ROS 1 bag brings its own definitions, in which for instance a Header still has its seq.
        self._reader = AnyReader([path], default_typestore=None if is_ros1 else ros2)
        self._reader.open()
        self._to_cdr = _from_ros1(self._reader.typestore, ros2) if is_ros1 else _as_it_is
        self.count = self._reader.message_count
        seconds = self._reader.duration / _NS
        store = ros2 if is_ros1 else self._reader.typestore
        self.streams = [
            RecordedStream(
                name=connection.topic,
                message_type=connection.msgtype,
                message_encoding="cdr",
                schema_encoding="ros2msg",
                schema=store.generate_msgdef(connection.msgtype, ros_version=2)[0],
                metadata={},
                rate_hz=connection.msgcount / seconds if seconds > 0 else 0.0,
            )
            for connection in {c.topic: c for c in self._reader.connections}.values()
        ]

    def messages(self) -> Iterator[RecordedMessage]:
        """All messages in order of log time; one that can't be converted has no data."""
        try:
            for connection, arrived_ns, raw in self._reader.messages():
                yield RecordedMessage(connection.topic, arrived_ns, self._to_cdr(connection.msgtype, raw))
        except Exception as error:
            raise StopError(f"{self._path}: damaged: {said(error)}; repair it with `rosbag reindex`") from error

    def close(self) -> None:
        """Close the file."""
        self._reader.close()


def _as_it_is(_: str, raw: bytes | memoryview) -> bytes:
    return bytes(raw)


def _from_ros1(ros1: Typestore, ros2: Typestore) -> Callable[[str, bytes | memoryview], bytes]:
    """How messages of a ROS 1 bag become ROS 2 CDR: by name of the fields, with types of its own carried over."""
    ros2.register({name: fields for name, fields in ros1.fielddefs.items() if name not in ros2.fielddefs})
    cache: dict[str, object] = {}

    def convert(name: str, raw: bytes | memoryview) -> bytes:
        try:
            return bytes(migrate_bytes(ros1, ros2, name, name, cache, raw, src_is2=False, dst_is2=True))
        except Exception:  # noqa: BLE001 - rosbags raises whatever the readers that it generates meet
            return b""

    return convert
