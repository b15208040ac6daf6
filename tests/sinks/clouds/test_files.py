"""What is written as PCD and PLY is what other tools read."""

import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from producers.replay.recording import open_recording
from saltwell.contracts.frames import CloudFrame, PointField
from saltwell.messages.checks import check_cloud
from saltwell.messages.cloud import PointCloud2
from saltwell.messages.cloud_layout import channel, xyz
from sinks.clouds.files import FORMATS, pcd, ply

LIDARS = ["lidar_luminar", "lidar_ouster_os0", "lidar_unaligned_cdr", "lidar_vlp16"]
CLOUD = CloudFrame("s", "r", "e", "/p", 3, 77, 0, "lidar", 2, 2, (), False, 1, 2, True, b"")


def recorded(file: Path) -> CloudFrame:
    recording = open_recording(file)
    try:
        m = PointCloud2.decode(next(recording.messages()).data)
    finally:
        recording.close()
    return replace(
        CLOUD,
        height=m.height,
        width=m.width,
        fields=m.fields,
        point_step=m.point_step,
        row_step=m.row_step,
        payload=bytes(m.data),
    )


def opened(path: Path) -> Any:
    if "linux" not in sys.platform:
        pytest.skip("the wheel of Open3D is tried on Linux")
    try:
        import open3d
    except (ImportError, OSError) as error:
        pytest.skip(f"Open3D can't be imported: {error}")
    return open3d.t.io.read_point_cloud(str(path)).point


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("name", LIDARS)
def test_open3d_reads_every_recorded_lidar_as_it_was(recordings: Path, tmp_path: Path, name: str, kind: str) -> None:
    frame = recorded(recordings / f"{name}.mcap")
    path = tmp_path / f"cloud.{kind}"
    path.write_bytes(FORMATS[kind](frame))
    read, positions = opened(path), xyz(frame)
    kept = slice(None) if kind == "pcd" else np.isfinite(positions).all(axis=1)
    np.testing.assert_array_equal(read.positions.numpy(), positions[kept])
    np.testing.assert_array_equal(read.intensity.numpy()[:, 0], channel(frame, "intensity")[kept])


ODD = (
    PointField("z", 1, 7, 1),
    PointField("x", 5, 8, 1),
    PointField("y", 14, 3, 1),
    PointField("a b", 16, 2, 3),
    PointField("y", 0, 1, 1),
)


@pytest.mark.parametrize("big_endian", [False, True])
def test_gaps_odd_offsets_any_types_and_either_byte_order_are_written(*, big_endian: bool) -> None:
    order = ">" if big_endian else "<"
    point = struct.Struct(order + "xfdxh3B")
    rows = [point.pack(2.5, -1.25, 7, 1, 2, n) + point.pack(np.nan, 1.0, 8, 4, 5, n) + b"pad" for n in (6, 7)]
    frame = replace(CLOUD, fields=ODD, big_endian=big_endian, point_step=19, row_step=41, payload=b"".join(rows))
    check_cloud(frame)
    header, data = pcd(frame).split(b"DATA binary\n")
    lines = dict(line.split(" ", 1) for line in header.decode().splitlines() if not line.startswith("#"))
    assert lines["FIELDS"] == "z x y a_b_3"
    assert (lines["SIZE"], lines["TYPE"], lines["COUNT"]) == ("4 8 2 1", "F F I U", "1 1 1 3")
    assert (lines["WIDTH"], lines["HEIGHT"], lines["POINTS"]) == ("2", "2", "4")
    packed = struct.Struct("<fdh3B")
    assert packed.unpack_from(data, 0) == (2.5, -1.25, 7, 1, 2, 6)
    assert packed.unpack_from(data, 3 * packed.size)[1:] == (1.0, 8, 4, 5, 7)
    assert len(data) == 4 * packed.size
    header, data = ply(frame).split(b"end_header\n")
    assert b"element vertex 2" in header
    assert b"property float z\nproperty double x\nproperty short y\nproperty uchar a_b_3_0" in header
    assert [packed.unpack_from(data, n * packed.size)[5] for n in range(2)] == [6, 7]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_cloud_without_points_is_a_file_without_points(kind: str) -> None:
    frame = replace(CLOUD, height=1, width=0, fields=ODD, point_step=19, row_step=0, payload=b"")
    data = FORMATS[kind](frame)
    assert b"\nPOINTS 0\n" in data or b"element vertex 0" in data


def test_names_can_write_no_lines_into_a_header() -> None:
    fields = (PointField("x\nDATA ascii", 0, 7, 1),)
    frame = replace(
        CLOUD, frame_id="a\nDATA b", width=1, height=1, fields=fields, point_step=4, row_step=4, payload=bytes(4)
    )
    for kind in FORMATS.values():
        assert b"\nDATA a" not in kind(frame)
