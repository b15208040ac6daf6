"""What clouds are measured on: recorded scans, a recorded depth image, uniform random points."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from producers.replay.recording import open_recording
from saltwell.contracts.frames import CloudFrame
from saltwell.errors import StopError
from saltwell.messages.camera_info import CameraInfo
from saltwell.messages.cloud import PointCloud2, cloud_frame
from saltwell.messages.cloud_layout import xyz
from saltwell.messages.image import Image

_SCANS = ("lidar_ouster_os1", "lidar_ouster_os0", "lidar_unaligned_cdr", "lidar_vlp16")
_RANDOM_POINTS, _RANDOM_M = 115_000, 10.0


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: its frame, and the points of it that have finite coordinates, (n, 3) float32 m."""

    name: str
    xyz: NDArray[np.float32]
    frame: CloudFrame


@dataclass(frozen=True, slots=True)
class Depth:
    """A depth image in mm, (height, width) uint16, and its camera."""

    name: str
    mm: NDArray[np.uint16]
    camera: CameraInfo


def scans(recordings: Path) -> Iterator[Scan]:
    """The first scan of each recording that is there; StopError when none is."""
    there = [name for name in _SCANS if (recordings / f"{name}.mcap").exists()]
    if not there:
        raise StopError(f"no recorded scans in {recordings}; name their folder with --recordings")
    for name in there:
        message = PointCloud2.decode(_first(recordings / f"{name}.mcap", "/lidar/points"))
        yield _scan(name, message)


def uniform() -> Scan:
    """Points without neighbours: the worst for caches, and nearly as many voxels as points."""
    rng = np.random.default_rng(0)
    points = rng.uniform(-_RANDOM_M, _RANDOM_M, (_RANDOM_POINTS, 3)).astype(np.float32)
    return Scan("uniform random", points, CloudFrame("", "", "", "", 0, 0, 0, "", 1, 0, (), False, 12, 0, True, b""))


def depth_image(recordings: Path) -> Depth:
    """The first depth image of the recorded RGB-D camera."""
    path = recordings / "tum_rgbd_6s.mcap"
    image = Image.decode(_first(path, "/camera/depth"))
    camera = CameraInfo.decode(_first(path, "/camera/camera_info"))
    return Depth("tum_rgbd 640x480", np.frombuffer(image.data, "<u2").reshape(image.height, image.width), camera)


def _first(path: Path, stream: str) -> bytes:
    recording = open_recording(path)
    try:
        return next(m.data for m in recording.messages() if m.stream == stream)
    except StopIteration:
        raise StopError(f"{path} has no {stream}") from None
    finally:
        recording.close()


def _scan(name: str, m: PointCloud2) -> Scan:
    frame = cloud_frame(m, stream=name, seq=0, arrived_ns=m.stamp_ns)
    points = xyz(frame)
    return Scan(name, np.ascontiguousarray(points[np.isfinite(points).all(axis=1)]), frame)
