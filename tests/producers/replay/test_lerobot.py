"""Datasets that others made play as recordings, and nothing is claimed of their times."""

import json
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from processors.downsample.processor import Downsample, Settings
from processors.judge.criteria import load_criteria
from processors.judge.processor import Judge
from processors.score.processor import Score
from processors.synchronize.processor import Synchronize
from producers.memory import MemoryOutbox
from producers.replay.command import replay
from producers.replay.player import Part, Played, play
from producers.replay.recorded import RecordedMessage
from producers.replay.recording import episode_indexes, open_recording
from saltwell.bus.memory import MemoryBus
from saltwell.errors import StopError
from saltwell.messages.image import CompressedImage
from saltwell.messages.motion import JointState
from saltwell.messages.text import String

FPS, SIDE = 10, 64
CAMERA = "observation.images.head"


def played(path: Path, index: int, bus: MemoryBus | None = None) -> Played:
    part = Part("g1-04", f"take-{index}")
    outbox = MemoryOutbox(bus or MemoryBus())
    more = {"site": "zigong", "task": None, "real_time": False, "on_message": lambda: None}
    return play(path, outbox, [part], episode_index=index, **more)[0]


def messages_of(path: Path, index: int, stream: str) -> list[RecordedMessage]:
    recording = open_recording(path, index)
    return [message for message in recording.messages() if message.stream == stream]


def number_in(message: RecordedMessage) -> int:
    """The number that a picture shows as eight fields, black or white."""
    pixels = cv2.imdecode(np.frombuffer(CompressedImage.decode(message.data).data, np.uint8), cv2.IMREAD_GRAYSCALE)
    fields = pixels.reshape(8, SIDE // 8, SIDE).mean(axis=(1, 2))
    return sum(1 << bit for bit, level in enumerate(fields) if level > 125)


def picture_of(number: int) -> np.ndarray[Any, Any]:
    fields = [230 if number >> bit & 1 else 20 for bit in range(8)]
    return np.repeat(np.repeat(np.array(fields, np.uint8), SIDE // 8)[:, None], SIDE, axis=1)[..., None].repeat(3, 2)


def write_video(path: Path, numbers: Sequence[int | None]) -> None:
    """A frame a number; None leaves its time empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(path, "w") as file:
        stream: Any = file.add_stream("libx264", rate=FPS, options={"g": "4", "bf": "0"})
        stream.height, stream.width, stream.pix_fmt = SIDE, SIDE, "yuv420p"
        for place, number in enumerate(numbers):
            if number is not None:
                frame = av.VideoFrame.from_ndarray(picture_of(number), format="rgb24")
                frame.pts, frame.time_base = place, Fraction(1, FPS)
                file.mux(stream.encode(frame))
        file.mux(stream.encode())


def rows_of(episode: int, count: int) -> dict[str, Any]:
    state = [[float(100 * episode + k), -float(k)] for k in range(count)]
    return {
        "observation.state": pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(state), pa.float32()), 2),
        "observation.torque": pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(state) / 10, pa.float32()), 2),
        "action": pa.FixedSizeListArray.from_arrays(pa.array(np.ravel(state) + 1, pa.float32()), 2),
        "next.done": pa.array([k + 1 == count for k in range(count)]),
        "timestamp": pa.array(np.arange(count) / FPS, pa.float32()),
        "frame_index": pa.array(range(count)),
        "episode_index": pa.array([episode] * count),
        "index": pa.array(range(count)),
        "task_index": pa.array([0] * count),
    }


def info_of(version: str, data: str, video: str) -> dict[str, Any]:
    numbers = {"dtype": "float32", "shape": [2], "names": {"motors": ["hip", "knee"]}}
    scalar = {"dtype": "int64", "shape": [1], "names": None}
    features = {
        "observation.state": numbers,
        "observation.torque": numbers,
        "action": numbers,
        CAMERA: {"dtype": "video", "shape": [SIDE, SIDE, 3], "names": None, "info": {"video.codec": "h264"}},
        "next.done": {**scalar, "dtype": "bool"},
        **dict.fromkeys(("frame_index", "episode_index", "index", "task_index"), scalar),
        "timestamp": {**scalar, "dtype": "float32"},
    }
    more = {"data_path": data, "video_path": video, "chunks_size": 1000, "features": features}
    return {"codebase_version": version, "fps": FPS, "robot_type": "two joints", **more}


def write_v3(root: Path, lengths: Sequence[int] = (12, 9)) -> Path:
    """Both episodes in one parquet file and one video, as LeRobot's own writer lays them."""
    chunk = "chunk-{chunk_index:03d}/file-{file_index:03d}"
    info = info_of("v3.0", f"data/{chunk}.parquet", f"videos/{{video_key}}/{chunk}.mp4")
    (root / "meta/episodes/chunk-000").mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps(info))
    (root / "data/chunk-000").mkdir(parents=True)
    tables = [pa.table(rows_of(n, length)) for n, length in enumerate(lengths)]
    with pq.ParquetWriter(root / "data/chunk-000/file-000.parquet", tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    write_video(root / f"videos/{CAMERA}/chunk-000/file-000.mp4", [*range(sum(lengths))])
    begins = [sum(lengths[:n]) / FPS for n in range(len(lengths))]
    episodes = {
        "episode_index": [*range(len(lengths))],
        "tasks": [["sort"], ["stack"]][: len(lengths)],
        "length": [*lengths],
        **dict.fromkeys(("data/chunk_index", "data/file_index"), [0] * len(lengths)),
        **dict.fromkeys((f"videos/{CAMERA}/chunk_index", f"videos/{CAMERA}/file_index"), [0] * len(lengths)),
        f"videos/{CAMERA}/from_timestamp": begins,
    }
    pq.write_table(pa.table(episodes), root / "meta/episodes/chunk-000/file-000.parquet")
    return root


def write_v21(root: Path, *, rows: int = 30, numbers: Sequence[int | None] | None = None) -> Path:
    name = "episode_{episode_index:06d}"
    info = info_of("v2.1", f"data/chunk-{{episode_chunk:03d}}/{name}.parquet", f"videos/{{video_key}}/{name}.mp4")
    (root / "meta").mkdir(parents=True)
    (root / "meta/info.json").write_text(json.dumps(info))
    (root / "meta/episodes.jsonl").write_text(
        json.dumps({"episode_index": 0, "tasks": ["sort"], "length": rows}) + "\n"
    )
    (root / "data/chunk-000").mkdir(parents=True)
    pq.write_table(pa.table(rows_of(0, rows)), root / "data/chunk-000/episode_000000.parquet")
    write_video(root / f"videos/{CAMERA}/episode_000000.mp4", [*range(rows)] if numbers is None else numbers)
    return root


def test_a_real_dataset_gives_the_numbers_and_pictures_of_its_rows(raw_data, recordings) -> None:
    path = raw_data / "g1_lerobot_v21"
    recording = open_recording(path, 29)
    assert sorted(stream.name for stream in recording.streams) == ["/action", "/cam_high", "/state", "/task"]
    found = [*recording.messages()]
    assert len(found) == recording.count == 3 * 221 + 1
    made = open_recording(recordings / "g1_pick_bottle_29.mcap")
    elsewhere = [JointState.decode(m.data) for m in made.messages() if m.stream == "/joint_states"]
    states = [JointState.decode(m.data) for m in found if m.stream == "/state"]
    assert [s.position.tolist() for s in states] == [s.position.tolist() for s in elsewhere]
    assert states[0].names == elsewhere[0].names
    assert [s.stamp_ns for s in states] == [1_000_000_000 + round(k * 1e9 / 30) for k in range(221)]
    assert String.decode(found[0].data).data == "Pick up the yellow bottle on the table."


def test_pictures_are_coded_again_so_well_that_it_hardly_shows(raw_data) -> None:
    path = raw_data / "g1_lerobot_v21"
    video = path / "videos/chunk-000/observation.images.cam_high/episode_000030.mp4"
    messages = iter(open_recording(path, 30).messages())
    with av.open(video) as file:
        for frame, _ in zip(file.decode(video=0), range(10), strict=False):
            message = next(m for m in messages if m.stream == "/cam_high")
            jpeg = np.frombuffer(CompressedImage.decode(message.data).data, np.uint8)
            shown = cv2.imdecode(jpeg, cv2.IMREAD_COLOR)
            error = np.square(frame.to_ndarray(format="bgr24").astype(float) - shown).mean()
            assert 10 * np.log10(255**2 / error) > 40


@pytest.mark.parametrize(("index", "first", "count"), [(0, 0, 12), (1, 12, 9)])
def test_episodes_that_share_files_get_their_own_rows_and_pictures(tmp_path, index, first, count) -> None:
    path = write_v3(tmp_path / "set")
    assert episode_indexes(path) == [0, 1]
    assert [number_in(m) for m in messages_of(path, index, "/head")] == [*range(first, first + count)]
    states = [JointState.decode(m.data) for m in messages_of(path, index, "/state")]
    assert [s.position.tolist() for s in states] == [[100 * index + k, -k] for k in range(count)]
    assert [s.effort[0] for s in states] == pytest.approx([(100 * index + k) / 10 for k in range(count)])
    assert states[0].names == ("hip", "knee")


def test_a_row_without_a_frame_is_told_and_shifts_no_other(tmp_path, caplog) -> None:
    path = write_v21(tmp_path / "set", numbers=[k if k not in {11, 29} else None for k in range(30)])
    bus = MemoryBus()
    ended = played(path, 0, bus).streams["/head"]
    assert [(r.first, r.count, r.cause) for r in ended.missing] == [(11, 1, "malformed"), (29, 1, "malformed")]
    frames = [f for f in bus.records("frames.color") if hasattr(f, "captured_ns")]
    assert [(f.seq, f.captured_ns) for f in frames] == [
        (k, 1_000_000_000 + k * 100_000_000) for k in range(30) if k not in {11, 29}
    ]
    assert "next.done" in caplog.text


def test_a_verdict_on_a_dataset_claims_nothing_about_time(tmp_path) -> None:
    bus = MemoryBus()
    played(write_v21(tmp_path / "set"), 0, bus)
    for processor in (Synchronize(), Downsample(Settings()), Score(), Judge(load_criteria())):
        bus.run(processor)
    (ended,) = bus.records("alignment")[-1:]
    assert {t.clock_source for t in ended.streams if t.count > 1} == {"derived"}
    (verdict,) = bus.records("verdicts")
    notes = {reason.code: reason for reason in verdict.reasons}
    assert "nobody measured them" in notes["derived_stamps"].text
    assert notes["derived_stamps"].severity == "note"
    about_time = {"gap", "jitter", "clock_step", "clock_drift", "future_stamps", "old_stamps", "untriggered"}
    assert notes.keys().isdisjoint(about_time)


BREAKAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "version": (lambda root: _info(root, codebase_version="v1.6"), "a LeRobot dataset v1.6; v2.1 and v3.0 are played"),
    "fps": (lambda root: _info(root, fps=0), "fps is 0; from 1 to 1000 are taken"),
    "rubbish": (lambda root: (root / "meta/info.json").write_text("{"), "not a readable recording"),
    "outside": (lambda root: _info(root, data_path="../{episode_index}.parquet"), "lie outside of the dataset"),
    "format": (lambda root: _info(root, data_path="{episode_index.__class__}"), "not all here"),
    "missing": (lambda root: next(root.glob("data/*/*")).unlink(), "1 of 1 episodes are not all here, first 0"),
    "joints": (lambda root: _shape(root, [5000]), "has the shape .5000.; from 1 to 4096 joints are taken"),
    "lines": (lambda root: (root / "meta/episodes.jsonl").write_text("[]\n"), "not a readable recording"),
    "length": (lambda root: _length(root, 31), "30 rows of episode 0; meta says 31"),
    "shorter": (lambda root: _length(root, 29), "row 29 of episode 0 stands at 29"),
    "parquet": (lambda root: _cut(next(root.glob("data/*/*"))), "damaged in episode 0"),
    "video": (lambda root: _cut(next(root.glob("videos/*/*"))), "damaged in episode 0"),
    "longer video": (lambda root: write_video(next(root.glob("videos/*/*")), [*range(31)]), "is that of no row"),
}


def _info(root: Path, **changes: Any) -> None:
    path = root / "meta/info.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _shape(root: Path, shape: list[int]) -> None:
    info = json.loads((root / "meta/info.json").read_text())
    info["features"]["action"]["shape"] = shape
    _info(root, features=info["features"])


def _length(root: Path, rows: int) -> None:
    line = {"episode_index": 0, "tasks": ["sort"], "length": rows}
    (root / "meta/episodes.jsonl").write_text(json.dumps(line))


def _play_all(path: Path) -> None:
    for index in episode_indexes(path):
        played(path, index or 0)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_v21(tmp_path_factory.mktemp("whole") / "set")


@pytest.mark.parametrize("name", BREAKAGES)
def test_a_broken_dataset_says_so_in_one_line(whole, tmp_path, name) -> None:
    path = shutil.copytree(whole, tmp_path / "set")
    breakage, said = BREAKAGES[name]
    breakage(path)
    with pytest.raises(StopError, match=said) as error:
        _play_all(path)
    assert "\n" not in str(error.value)


def test_a_dataset_of_which_not_all_is_here_says_what_to_do(raw_data) -> None:
    done = CliRunner().invoke(replay, [str(raw_data / "g1_lerobot_v21"), "--robot", "g1-04"])
    assert isinstance(done.exception, StopError)
    assert "98 of 100 episodes are not all here, first 0" in str(done.exception)
    assert "choose with --episode-index" in str(done.exception)


def test_an_episode_of_a_file_that_is_no_dataset_is_refused(recordings) -> None:
    path = recordings / "g1_pick_bottle_29.mcap"
    done = CliRunner().invoke(replay, [str(path), "--robot", "g1-04", "--episode-index", "3"])
    assert isinstance(done.exception, StopError)
    assert "no LeRobot dataset" in str(done.exception)
