"""Clouds of a finished episode, one file each."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from mcap.exceptions import McapError
from mcap.reader import McapReader, make_reader
from mcap.records import Message

from saltwell.contracts.frames import CloudFrame
from saltwell.errors import SkipRecordError, StopError
from saltwell.messages.checks import check_cloud
from saltwell.messages.cloud import PointCloud2, cloud_frame
from sinks.clouds.files import FORMATS
from sinks.episodes.finished import load_episode, open_archive
from sinks.store import Store

_TYPE = "sensor_msgs/msg/PointCloud2"


def export_clouds(
    store: Store, episode: str, *, stream: str, frames: Collection[int] | None, kind: str, folder: Path
) -> Iterator[Path]:
    """Write clouds of a stream into a folder; gives each file when it is there.

    `frames` are their numbers, None = all; `kind` is one of `FORMATS`. A file's name ends with the frame's number and
    its time of capture in ns. StopError for an episode, stream or frame that is not there.
    """
    missing = set(frames or ())
    for frame in _clouds(store, episode, stream):
        if frames is None or frame.seq in missing:
            missing.discard(frame.seq)
            yield _written(folder / _name(frame, kind), FORMATS[kind](frame))
        if frames is not None and not missing:
            return
    if missing:
        raise StopError(f"{stream} of {episode} has no frame {', '.join(map(str, sorted(missing)))}")


def _clouds(store: Store, episode: str, stream: str) -> Iterator[CloudFrame]:
    finished = load_episode(store, episode)
    try:
        with open_archive(store, finished) as file:
            reader = make_reader(file)
            if stream not in (known := _cloud_streams(reader)):
                raise StopError(f"{episode} has no clouds of {stream}; it has {', '.join(known) or 'none'}")
            for _, channel, message in reader.iter_messages([stream]):
                yield _frame(channel.topic, message)
    except (McapError, SkipRecordError) as error:
        raise StopError(f"{episode} can't be read ({error}); `saltwell episodes verify {episode}` says more") from error


def _cloud_streams(reader: McapReader) -> list[str]:
    summary = reader.get_summary()
    if summary is None:
        return []
    return sorted(c.topic for c in summary.channels.values() if summary.schemas[c.schema_id].name == _TYPE)


def _frame(stream: str, message: Message) -> CloudFrame:
    cloud = PointCloud2.decode(message.data)
    frame = cloud_frame(cloud, stream=stream, seq=message.sequence, arrived_ns=message.log_time)
    check_cloud(frame)
    return frame


def _name(frame: CloudFrame, kind: str) -> str:
    stream = re.sub(r"[^A-Za-z0-9.-]+", "_", frame.stream).strip("_.") or "cloud"
    return f"{stream}-{frame.seq:06}-{frame.captured_ns}.{kind}"


def _written(path: Path, data: bytes) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise StopError(f"can't write {path}: {error.strerror}; give another folder with --to") from error
    return path
