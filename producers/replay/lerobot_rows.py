"""The rows and the pictures of one episode of a LeRobot dataset, in order, a few at a time in memory."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import av
import cv2
import pyarrow.parquet as pq

from producers.replay.lerobot_index import DatasetEpisode, VideoPart
from saltwell.contracts.bounds import MAX_ITEMS
from saltwell.errors import StopError
from saltwell.messages.image_files import MAX_SIDE

JPEG_QUALITY = 95
"""Of decoded video frames, which are coded again. Colour has half the resolution both in the video and in the JPEG."""

_ROWS_AT_ONCE = 64
_MAX_GROUP_BYTES = 4 * 1024**3
_OFF_SHARE = 0.1
"""Of a frame's period: a frame that is further from its row belongs to none."""


def rows_of(episode: DatasetEpisode, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """The rows of an episode; StopError when they are not 0 to its length - 1."""
    count = 0
    for row in _candidates(episode, ["episode_index", "frame_index", *columns]):
        if row["frame_index"] != count or count >= episode.rows:
            raise StopError(f"{episode.data}: row {row['frame_index']} of episode {episode.index} stands at {count}")
        yield row
        count += 1
    if count != episode.rows:
        raise StopError(f"{episode.data}: {count} rows of episode {episode.index}; meta says {episode.rows}")


def jpegs_of(video: VideoPart, rows: int, fps: int) -> Generator[bytes, None, None]:
    """A JPEG for each row; empty for a row without a frame.

    StopError for a frame between two rows, a second one of a row, or one behind the last row of a file of its own.
    """
    row = 0
    with closing(_frames(video)) as frames:
        for time_s, frame in frames:
            place = (time_s - video.begin_s) * fps
            number = round(place)
            if number < row and not video.alone:
                continue  # of the episode before it in the file
            if number >= rows and not video.alone:
                break
            if number < row or number >= rows or abs(place - number) > _OFF_SHARE:
                raise StopError(f"{video.path}: a frame at {time_s:.4f} s, which is that of no row, or a second one")
            yield from (b"" for _ in range(row, number))
            yield _jpeg(frame)
            row = number + 1
    yield from (b"" for _ in range(row, rows))


def _candidates(episode: DatasetEpisode, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    file = pq.ParquetFile(episode.data)
    groups = [n for n in range(file.num_row_groups) if _may_hold(file.metadata.row_group(n), episode.index)]
    for n in groups:
        _check_size(file.metadata.row_group(n), episode)
    for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=groups, columns=list(columns)):
        yield from (row for row in batch.to_pylist() if row["episode_index"] == episode.index)


def _may_hold(group: Any, index: int) -> bool:
    for n in range(group.num_columns):
        column = group.column(n)
        if column.path_in_schema == "episode_index" and column.statistics and column.statistics.has_min_max:
            return bool(column.statistics.min <= index <= column.statistics.max)
    return True


def _check_size(group: Any, episode: DatasetEpisode) -> None:
    """A few bytes of parquet may claim to be gigabytes of values."""
    most = max((group.column(n).num_values for n in range(group.num_columns)), default=0)
    if most > group.num_rows * MAX_ITEMS or group.total_byte_size > _MAX_GROUP_BYTES:
        raise StopError(
            f"{episode.data}: {most} values for {group.num_rows} rows, {group.total_byte_size} bytes; at most "
            f"{MAX_ITEMS} values a row and {_MAX_GROUP_BYTES} bytes are read"
        )


def _frames(video: VideoPart) -> Generator[tuple[float, av.VideoFrame], None, None]:
    with av.open(str(video.path)) as file:
        stream = file.streams.video[0]
        width, height = stream.codec_context.width, stream.codec_context.height
        if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
            raise StopError(f"{video.path}: pictures of {width} x {height}; sides from 1 to {MAX_SIDE} are taken")
        if video.begin_s > 0 and stream.time_base is not None:
            file.seek(int(video.begin_s / stream.time_base), stream=stream)
        for frame in file.decode(stream):
            yield float(frame.time or 0.0), frame


def _jpeg(frame: av.VideoFrame) -> bytes:
    _, jpeg = cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return jpeg.tobytes()
