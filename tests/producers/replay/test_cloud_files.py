"""A folder of PCD and PLY files plays like any recording."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producers.replay.recording import open_recording
from producers.replay.samples import declare, to_sample
from saltwell.contracts.frames import CloudFrame
from saltwell.errors import StopError
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.cloud_layout import channel, xyz
from sinks.clouds.files import FORMATS

FRAME = CloudFrame("", "", "", "", 0, 0, 0, "", 1, 1, (), False, 1, 1, True, b"")


@pytest.fixture(autouse=True)
def _needs_open3d(request: pytest.FixtureRequest) -> None:
    if "without_open3d" in request.node.name:
        return
    pytest.importorskip("open3d", exc_type=ImportError)


def frame_of(message: bytes) -> CloudFrame:
    m = PointCloud2.decode(message)
    return replace(
        FRAME,
        captured_ns=m.stamp_ns,
        frame_id=m.frame_id,
        height=m.height,
        width=m.width,
        fields=m.fields,
        point_step=m.point_step,
        row_step=m.row_step,
        payload=bytes(m.data),
    )


def recorded(recordings: Path, name: str) -> CloudFrame:
    recording = open_recording(recordings / f"{name}.mcap")
    try:
        return frame_of(next(recording.messages()).data)
    finally:
        recording.close()


def played(folder: Path) -> tuple[Any, list[Any]]:
    recording = open_recording(folder)
    return recording, list(recording.messages())


@pytest.mark.parametrize("kind", FORMATS)
def test_what_was_exported_plays_again_with_its_points_its_time_and_its_stream(
    recordings: Path, tmp_path: Path, kind: str
) -> None:
    frame = recorded(recordings, "lidar_vlp16")
    for n, ns in enumerate((300, 100, 200)):
        (tmp_path / f"torso_points-{n:06}-1767225600000000{ns}.{kind}").write_bytes(FORMATS[kind](frame))
    recording, messages = played(tmp_path)
    assert [m.arrived_ns % 1000 for m in messages] == [100, 200, 300]
    (stream,) = recording.streams
    assert (stream.name, declare(stream).kind, recording.count) == ("/torso_points", "cloud", 3)
    sample = to_sample(stream)(messages[0])
    assert (sample.captured_ns, sample.arrived_ns) == (1767225600000000100, 1767225600000000100)
    again = frame_of(messages[0].data)
    np.testing.assert_array_equal(xyz(again), xyz(frame))
    np.testing.assert_array_equal(channel(again, "intensity"), channel(frame, "intensity"))


def test_an_organised_cloud_stays_organised_and_keeps_its_missing_points(raw_data: Path, tmp_path: Path) -> None:
    shutil.copy(raw_data / "pcd" / "capture0002.pcd", tmp_path / "depth_1767225600.5.pcd")
    _, (message,) = played(tmp_path)
    frame = frame_of(message.data)
    assert (message.stream, message.arrived_ns) == ("/depth", 1767225600_500000000)
    assert (frame.height, frame.width) == (480, 640)
    assert np.isnan(xyz(frame)).any(axis=1).sum() == 57269


def test_a_file_that_cannot_be_read_is_a_malformed_frame_and_the_others_play(recordings: Path, tmp_path: Path) -> None:
    good = FORMATS["pcd"](recorded(recordings, "lidar_vlp16"))
    for n, data in enumerate((good, good[:5000], b"garbage", good)):
        (tmp_path / f"a_{1767225600000000000 + n}.pcd").write_bytes(data)
    recording, messages = played(tmp_path)
    (read,) = (to_sample(stream) for stream in recording.streams)
    for n, message in enumerate(messages):
        if n in (1, 2):
            with pytest.raises(MalformedMessage):
                read(message)
        else:
            assert read(message).captured_ns == 1767225600000000000 + n


def test_where_names_tell_no_times_a_rate_does(recordings: Path, tmp_path: Path) -> None:
    for n in range(3):
        (tmp_path / f"scan{n}.ply").write_bytes(FORMATS["ply"](recorded(recordings, "lidar_vlp16")))
    with pytest.raises(StopError, match="its name ends with no time in ns or s"):
        open_recording(tmp_path)
    (tmp_path / "clouds.toml").write_text("rate_hz = 10\nframe_id = 'lidar'", encoding="utf-8")
    recording, messages = played(tmp_path)
    assert [m.arrived_ns for m in messages] == [1_000_000_000, 1_100_000_000, 1_200_000_000]
    assert recording.streams[0].name == "/points"
    assert frame_of(messages[1].data).frame_id == "lidar"


@pytest.mark.parametrize("name", ["a.ply", "a-12.ply", "a-9999999999999999999.ply", "a-9999999999.5.ply", "a-0.0.ply"])
def test_a_name_that_tells_no_time_from_1970_to_2038_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(StopError, match="its name ends with no time"):
        open_recording(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rate = 10", "rate is not known"),
        ("rate_hz = 0", "rate_hz is 0"),
        ("rate_hz = inf", "rate_hz is inf"),
        ("rate_hz = 'x'", "rate_hz is 'x'"),
        ("frame_id = 3", "frame_id is 3"),
        ("rate_hz", "not a readable recording"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.ply").write_bytes(b"")
    (tmp_path / "clouds.toml").write_text(text, encoding="utf-8")
    with pytest.raises(StopError, match=said) as refused:
        open_recording(tmp_path)
    assert "\n" not in str(refused.value)


def test_without_open3d_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a-1767225600000000000.ply").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(StopError, match=r"saltwell\[processors\]"):
        open_recording(tmp_path)
