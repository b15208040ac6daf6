"""An episode of a LeRobot dataset as a recording: cameras, joints and commands, a message each at every row.

A row stands at frame_index / fps behind 1 s: nobody measured when it was captured, and every stream says so. Numbers
of `observation.state` and `action` are joint streams; velocity and torque of the same joints go with the state. Frames
of videos are decoded and coded again as JPEG; pictures that lie in the rows stay as they are.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from producers.replay.lerobot_index import DatasetIndex
from producers.replay.lerobot_rows import JPEG_QUALITY, jpegs_of, rows_of
from producers.replay.recorded import RecordedMessage, RecordedStream, said
from saltwell.contracts.bounds import MAX_ITEMS
from saltwell.contracts.columns import Float64s
from saltwell.errors import StopError
from saltwell.messages.definitions import DEFINITIONS
from saltwell.messages.image import CompressedImage
from saltwell.messages.motion import JointState
from saltwell.messages.text import String

log = logging.getLogger(__name__)

TASK = "/task"

_BEGIN_NS = 1_000_000_000
_NS = 1_000_000_000
_IMAGE, _JOINTS, _TEXT = "CompressedImage", "JointState", "String"
_STATE = "observation.state"
_VELOCITY, _TORQUE = ("observation.velocity",), ("observation.effort", "observation.torque")
_NUMBERING = frozenset({"timestamp", "frame_index", "episode_index", "index", "task_index"})
_NOTHING = np.empty(0)


def chosen_episodes(root: Path, wanted: tuple[int, ...]) -> list[int]:
    """The episodes that are to be played, all when none is named; StopError when the files of one are not here."""
    index = DatasetIndex(root)
    numbers = list(wanted) or list(index.episodes)
    away = [(n, path) for n in numbers for path in index.episode(n).files() if not path.is_file()]
    if away:
        number, path = away[0]
        count = len({n for n, _ in away})
        raise StopError(
            f"{root}: {count} of {len(numbers)} episodes are not all here, first {number} ({path.relative_to(root)}); "
            "choose with --episode-index"
        )
    return numbers


class LeRobotEpisode:
    """One episode of a dataset in a folder, v2.1 or v3.0. StopError in one line for one that is broken."""

    def __init__(self, root: Path, number: int) -> None:
        self._root = root
        self._index = DatasetIndex(root)
        self._episode = self._index.episode(number)
        features = self._index.features
        self._cameras = {_stream(name): name for name in features if _is_camera(features[name])}
        joints = [name for name in features if _is_joints(name, features[name])]
        self._joints = {_stream(name): (name, _names(name, features[name])) for name in joints}
        self._velocity, self._torque = (self._beside_state(names) for names in (_VELOCITY, _TORQUE))
        self.streams = [*self._declared()]
        self.count = (len(self._cameras) + len(self._joints)) * self._episode.rows + 1
        self.paths = self._episode.files()
        self.about = {
            "dataset": f"LeRobot {self._index.version}",
            "episode_index": str(number),
            "stamps": f"frame_index / {self._index.fps}: not measured",
        }
        if self._index.videos:
            self.about["pictures"] = f"decoded from video, coded again as JPEG of quality {JPEG_QUALITY}"
        self._tell_of_the_rest()

    def messages(self) -> Iterator[RecordedMessage]:
        """All messages in order of time; a row's frame that the video lacks has no data."""
        try:
            yield from self._messages()
        except StopError:
            raise
        except Exception as error:
            raise StopError(f"{self._root}: damaged in episode {self._episode.index}: {said(error)}") from error

    def _messages(self) -> Iterator[RecordedMessage]:
        yield RecordedMessage(TASK, _BEGIN_NS, String(self._episode.task).encode())
        columns = [name for name in self._index.features if self._is_played(name) and name not in self._index.videos]
        with ExitStack() as stack:
            videos = {
                name: stack.enter_context(closing(jpegs_of(self._episode.videos[name], self._episode.rows, self._fps)))
                for name in self._cameras.values()
                if name in self._index.videos
            }
            for number, row in enumerate(rows_of(self._episode, columns)):
                time_ns = _BEGIN_NS + round(number * _NS / self._fps)
                for stream, name in self._cameras.items():
                    picture = next(videos[name]) if name in videos else _picture(row[name])
                    yield RecordedMessage(stream, time_ns, _image(picture, time_ns, stream))
                for stream in self._joints:
                    yield RecordedMessage(stream, time_ns, self._joint_state(stream, row, time_ns))
            for frames in videos.values():
                next(frames, None)  # says so when there are more of them than rows

    def close(self) -> None:
        """Nothing is open."""

    @property
    def _fps(self) -> int:
        return self._index.fps

    def _declared(self) -> Iterator[RecordedStream]:
        kinds = {**dict.fromkeys(self._cameras, _IMAGE), **dict.fromkeys(self._joints, _JOINTS)}
        for stream, short in kinds.items():
            yield _declared(stream, f"sensor_msgs/msg/{short}", float(self._fps))
        yield _declared(TASK, f"std_msgs/msg/{_TEXT}", 0.0)

    def _beside_state(self, names: tuple[str, ...]) -> str:
        """The feature that holds a further quantity of the state's joints; empty when there is none."""
        features = self._index.features
        shape = features.get(_STATE, {}).get("shape")
        return next((n for n in names if n in features and shape and features[n]["shape"] == shape), "")

    def _joint_state(self, stream: str, row: Mapping[str, Any], time_ns: int) -> bytes:
        name, joints = self._joints[stream]
        values = _numbers(row[name], len(joints))
        velocity = torque = _NOTHING
        if name == _STATE:
            velocity = _numbers(row[self._velocity], len(joints)) if self._velocity else _NOTHING
            torque = _numbers(row[self._torque], len(joints)) if self._torque else _NOTHING
        return b"" if values is _NOTHING else JointState(time_ns, "", joints, values, velocity, torque).encode()

    def _is_played(self, name: str) -> bool:
        stream = _stream(name)
        return stream in self._joints or stream in self._cameras or name in {self._velocity, self._torque}

    def _tell_of_the_rest(self) -> None:
        rest = [name for name in self._index.features if not self._is_played(name) and name not in _NUMBERING]
        if rest:
            log.warning("%s: not played, because no stream is made of them: %s", self._root, ", ".join(sorted(rest)))


def _stream(feature: str) -> str:
    """`observation.images.cam_high` is the stream /cam_high, `observation.state` /state, `action` /action."""
    return "/" + feature.removeprefix("observation.").removeprefix("images.").replace(".", "/")


def _declared(name: str, message_type: str, rate_hz: float) -> RecordedStream:
    definition = DEFINITIONS[message_type]
    return RecordedStream(name, message_type, "cdr", "ros2msg", definition, {}, rate_hz, derived=True)


def _is_joints(name: str, feature: Mapping[str, Any]) -> bool:
    """Numbers of a state or an action, one for each joint."""
    is_vector = feature["dtype"] in {"float32", "float64"} and len(feature["shape"]) == 1
    return is_vector and name.startswith((_STATE, "action"))


def _is_camera(feature: Mapping[str, Any]) -> bool:
    """Pictures in color; depth is coded in ways of its own."""
    info = feature.get("info") or feature.get("video_info") or {}
    is_depth = info.get("is_depth_map") or info.get("video.is_depth_map")
    return feature["dtype"] in {"video", "image"} and not is_depth


def _names(name: str, feature: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the joints; numbers where the dataset has none, or other many."""
    (count,) = feature["shape"]
    if type(count) is not int or not 0 < count <= MAX_ITEMS:
        raise StopError(f"{name} has the shape {feature['shape']}; from 1 to {MAX_ITEMS} joints are taken")
    found = tuple(_flat(feature.get("names")))
    return found if len(found) == len(set(found)) == count else tuple(f"{name}_{n}" for n in range(count))


def _flat(names: Any) -> Iterator[str]:
    """Names stand in a list, in lists of lists, or by the name of a part."""
    if isinstance(names, str):
        yield names
    elif isinstance(names, Mapping | list):
        for part in names.values() if isinstance(names, Mapping) else names:
            yield from _flat(part)


def _numbers(value: Any, count: int) -> Float64s:
    """Numbers of a row; none when they are not there, or other many."""
    found = np.asarray(value if value is not None else [], dtype=np.float64)
    return found if found.shape == (count,) else _NOTHING


def _picture(value: Any) -> bytes:
    return bytes(value.get("bytes") or b"") if isinstance(value, Mapping) else b""


def _image(picture: bytes, time_ns: int, stream: str) -> bytes:
    form = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return CompressedImage(time_ns, stream.strip("/"), form, picture).encode() if picture else b""
