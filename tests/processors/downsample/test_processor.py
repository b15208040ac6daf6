"""What the downsampler makes of an episode, whatever the order in which topics are read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processors.downsample import streams
from processors.downsample.depth_stream import DepthStream
from processors.downsample.deskewed_stream import DeskewedStream
from processors.downsample.processor import Downsample
from processors.downsample.settings import Settings, StreamSettings
from processors.downsample.streams import CloudStream
from producers.replay.player import Part, play
from saltwell.bus.memory import MemoryBus
from saltwell.contracts.frames import MessageFrame, PoseBlock, SampledCloud
from saltwell.contracts.timeline import FramesIndexed, StreamEnded, StreamIndex
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.cloud_points import unpack_points
from sinks.episodes.messages import frame_messages, sampled_message

from .conftest import DEPTH, HEAD, INFO, LIDAR, OTHER_DEPTH, SETTINGS


def clouds(records: list[Any], stream: str) -> dict[int, SampledCloud]:
    return {r.seq: r for r in records if isinstance(r, SampledCloud) and r.stream == stream}


def by_stream(records: list[Any]) -> dict[str, list[Any]]:
    return {s: [r for r in records if r.stream == s] for s in (LIDAR, DEPTH, OTHER_DEPTH)}


@pytest.mark.parametrize("seed", range(12))
def test_every_interleaving_of_the_topics_gives_the_same(make_log, run, seed: int) -> None:
    bus = make_log()
    assert by_stream(run(bus, seed=seed)) == by_stream(run(bus, seed=100))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("settings", [SETTINGS, Settings()], ids=["all", "none"])
def test_each_stream_of_clouds_or_depth_ends_once_behind_its_last_cloud(
    make_log, run, settings: Settings, seed: int
) -> None:
    for stream, records in by_stream(run(make_log(), settings, seed=seed)).items():
        ends = [n for n, r in enumerate(records) if isinstance(r, StreamEnded)]
        assert ends == [len(records) - 1], stream


def test_depth_images_are_made_clouds_only_where_they_are_set_so(make_log, run) -> None:
    made = run(make_log())
    assert len(clouds(made, DEPTH)) == 7
    assert not clouds(made, OTHER_DEPTH)
    assert not clouds(run(make_log(), Settings()), DEPTH)


def test_a_depth_image_becomes_a_wall_at_its_distance(make_log, run) -> None:
    cloud = clouds(run(make_log()), DEPTH)[3]
    points = unpack_points(cloud)
    assert (cloud.method, cloud.points_in, cloud.frame_id) == ("depth+voxel", 192, "chest")
    np.testing.assert_allclose(points.xyz[:, 2], 1.003, atol=1e-3)
    assert points.count.sum() == 192
    assert points.intensity is None


@pytest.mark.parametrize("how", ["undeclared", "silent"])
def test_without_a_calibration_there_are_no_depth_clouds_and_nothing_waits_forever(make_log, run, how: str) -> None:
    made = by_stream(run(make_log(**{how: (INFO,)})))
    assert [type(r) for r in made[DEPTH]] == [StreamEnded]
    assert len(made[LIDAR]) == 5


def test_a_companion_of_another_kind_tells_nothing(make_log, run) -> None:
    wrong = Settings(streams={LIDAR: StreamSettings(deskew_pose=INFO), DEPTH: StreamSettings(camera_info=HEAD)})
    made = by_stream(run(make_log(), wrong))
    assert [r.method for r in made[LIDAR][:-1]] == ["voxel"] * 4
    assert [type(r) for r in made[DEPTH]] == [StreamEnded]


def test_a_scan_is_straightened_by_the_poses_of_its_time(make_log, run) -> None:
    straight, skewed = clouds(run(make_log()), LIDAR), clouds(run(make_log(), Settings()), LIDAR)
    assert [c.method for c in straight.values()] == ["deskew+voxel"] * 4
    assert [c.method for c in skewed.values()] == ["voxel"] * 4
    end = unpack_points(straight[1]).xyz[np.argmax(unpack_points(straight[1]).xyz[:, 1])]
    seen = np.array([3, 1, 1])
    turn = 0.05 / 0.011 * 0.04
    expected = [seen[0] * np.cos(turn) - np.sin(turn), seen[0] * np.sin(turn) + np.cos(turn), 1]
    np.testing.assert_allclose(end, expected, atol=0.03)


@pytest.mark.parametrize("how", ["undeclared", "silent"])
def test_without_poses_scans_stay_as_they_are_and_nothing_waits_forever(make_log, run, how: str) -> None:
    assert [c.method for c in clouds(run(make_log(**{how: (HEAD,)})), LIDAR).values()] == ["voxel"] * 4


def test_frames_in_the_topic_of_another_kind_end_nothing(make_log, run) -> None:
    bus, whole = MemoryBus(), make_log()
    poison = [whole.records(topic)[0] for topic in ("frames.cloud", "frames.depth", "frames.pose", "frames.other")]
    renamed = [replace(r, stream=s) for r in poison for s in (LIDAR, DEPTH, INFO, HEAD)]
    for name in Downsample(SETTINGS).topics:
        first, *rest = whole.records(name)
        for record in [first, *(renamed if name != "timeline" else ()), *rest]:
            bus.append(name, record)
    made = run(bus)
    assert len(clouds(made, LIDAR)) == 4
    assert len(clouds(made, DEPTH)) == 7


def test_what_waits_for_a_silent_companion_is_bounded(make_log, monkeypatch) -> None:
    monkeypatch.setattr(streams, "MAX_WAITING_BYTES", 1500)
    depth, lidar = DepthStream(SETTINGS.of(DEPTH)), DeskewedStream(SETTINGS.of(LIDAR), LIDAR)
    bus, held, given = make_log(silent=(INFO, HEAD)), [], []
    for stream, topic in ((depth, "frames.depth"), (lidar, "frames.cloud")):
        for record in bus.records(topic):
            if not isinstance(record, StreamEnded):
                stream.take(record)
                given += stream.clouds()
                held.append(sum(len(frame.payload) for frame in stream._waiting))
    assert max(held) <= 1500
    assert [cloud.method for cloud in given] == ["voxel"] * 3  # and no depth cloud without a calibration


def test_a_scan_that_cannot_be_read_gives_no_cloud(make_log, run) -> None:
    assert sorted(clouds(run(make_log()), LIDAR)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "poison",
    [
        PoseBlock("s", "r", "episode", HEAD, b"", bytes(8), b"", "world", bytes(9), bytes(32)),
        PoseBlock("s", "r", "episode", HEAD, b"", bytes(8), b"", "world", bytes(48), bytes(32)),
        PoseBlock("s", "r", "episode", HEAD, b"", bytes(8), b"", "world", bytes(24), bytes(32)),
        MessageFrame("s", "r", "episode", INFO, 0, 0, 0, "sensor_msgs/msg/CameraInfo", b""),
        FramesIndexed("s", "r", "episode", 1, 0, [StreamIndex(LIDAR, b"", b"", b"", -(2**63))]),
        FramesIndexed("s", "r", "episode", 1, 0, [StreamIndex(HEAD, b"", b"", b"", 2**63 - 1)]),
    ],
    ids=["torn", "uneven", "no rotation", "no message", "early", "late"],
)
def test_what_companions_and_the_timeline_tell_wrongly_ends_nothing(make_log, run, poison: Any) -> None:
    bus, whole = MemoryBus(), make_log()
    topic = {PoseBlock: "frames.pose", MessageFrame: "frames.other", FramesIndexed: "timeline"}[type(poison)]
    for name in Downsample(SETTINGS).topics:
        records = whole.records(name)
        for record in [records[0], poison, *records[1:]] if name == topic else records:
            bus.append(name, record)
    made = run(bus)
    assert len(clouds(made, LIDAR)) == 4
    assert len(clouds(made, DEPTH)) == 7


@pytest.mark.parametrize("stop_after", [5, 25, 40])
def test_a_restart_says_the_rest_and_nothing_twice(make_log, run, stop_after: int) -> None:
    whole = by_stream(run(make_log()))
    bus = make_log()
    driver = bus.run(Downsample(SETTINGS), seed=3, stop_after=stop_after)
    marks, low, open_episodes = driver.positions(), driver.low_watermarks(), driver.open_episodes()
    bus.run(Downsample(SETTINGS), seed=4, start=low, marks=marks, open_episodes=open_episodes)
    assert by_stream(bus.records("clouds.sampled")) == whole


def test_settings_of_a_stream_are_applied(make_log, run) -> None:
    pytest.importorskip("open3d")
    one = StreamSettings(outlier_neighbours=5, farthest=8, near_m=3.01, step_m=0.01)
    cloud = clouds(run(make_log(), Settings(streams={LIDAR: one})), LIDAR)[2]
    points = unpack_points(cloud)
    assert (cloud.method, cloud.points_in, cloud.points, cloud.step_m) == ("voxel+outliers+farthest", 40, 8, 0.01)
    np.testing.assert_allclose(points.xyz, np.round(points.xyz, 2), atol=1e-6)
    assert (np.linalg.norm(points.xyz, axis=1) > 3).all()


class _Into:
    """An outbox that keeps the frames of clouds."""

    def __init__(self) -> None:
        self.frames: list[Any] = []

    def send(self, topic: str, record: Any, *, on_lost: Any = None) -> int:
        if topic == "frames.cloud" and not isinstance(record, StreamEnded):
            self.frames.append(MemoryBus().codec.decode(MemoryBus().codec.encode(record)))
        return 0

    def flush(self) -> None:
        """Nothing waits."""


LIDARS = ["lidar_luminar", "lidar_ouster_os0", "lidar_ouster_os1", "lidar_unaligned_cdr", "lidar_vlp16"]


@pytest.mark.parametrize("name", LIDARS)
def test_every_recorded_lidar_passes_through_and_its_sampled_cloud_is_a_pointcloud2(
    recordings: Path, name: str
) -> None:
    """Organised and not, with NaN, with gaps and odd offsets, with padding behind the message."""
    into = _Into()
    parts = [Part("robot", "episode")]
    play(recordings / f"{name}.mcap", into, parts, site="s", task="", real_time=False, on_message=lambda: None)
    stream = CloudStream(StreamSettings())
    for frame in into.frames:
        stream.take(frame)
    made = list(stream.clouds())
    assert len(made) == len(into.frames) > 0
    for frame, cloud in zip(into.frames, made, strict=True):
        shown = PointCloud2.decode(sampled_message(cloud))
        assert (shown.stamp_ns, shown.frame_id, shown.width) == (frame.captured_ns, frame.frame_id, cloud.points)
        points = unpack_points(cloud)
        assert np.isfinite(points.xyz).all()
        assert points.count.sum() == cloud.points_in > 1000


@pytest.mark.parametrize("name", LIDARS)
def test_every_recorded_lidar_comes_back_byte_for_byte(recordings: Path, recorded_messages, name: str) -> None:
    into = _Into()
    parts = [Part("robot", "episode")]
    play(recordings / f"{name}.mcap", into, parts, site="s", task="", real_time=False, on_message=lambda: None)
    written = [message.data for frame in into.frames for message in frame_messages(frame)]
    assert written == recorded_messages(name)


@pytest.fixture
def recorded_messages(recordings: Path):
    from producers.replay.recording import open_recording

    def of(name: str) -> list[bytes]:
        recording = open_recording(recordings / f"{name}.mcap")
        try:
            return [bytes(m.data) for m in recording.messages() if m.stream == "/lidar/points"]
        finally:
            recording.close()

    return of
