"""A depth image becomes the points that its camera saw."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from processors.downsample.depth import UnusableCameraError, depth_points, rays, scaled
from processors.downsample.voxels import voxel_centroids
from producers.replay.recording import open_recording
from producers.simulate.camera_info import CameraInfo as SimulatedCamera
from saltwell.messages.camera_info import CameraInfo
from saltwell.messages.cdr import MalformedMessage
from saltwell.messages.image import Image

CAMERA = CameraInfo(4, 6, "plumb_bob", np.zeros(5), np.array([100.0, 0, 2, 0, 50, 1, 0, 0, 1]))


def test_a_pixel_becomes_the_point_that_projects_onto_it() -> None:
    depth = np.zeros((4, 6), np.uint16)
    depth[3, 5], depth[1, 2] = 2000, 1500
    np.testing.assert_allclose(depth_points(depth, rays(CAMERA)), [[0, 0, 1.5], [0.06, 0.08, 2.0]], rtol=1e-6)


def test_pixels_without_a_reading_make_no_point() -> None:
    depth = np.full((4, 6), 1000, np.uint16)
    depth[0, :2] = 0, 65535
    assert len(depth_points(depth, rays(CAMERA))) == 22


def test_distortion_is_undone() -> None:
    bent = replace(CAMERA, height=48, width=64, d=np.array([0.2, -0.5, 0.01, -0.005, 0.3]))
    bent = replace(bent, k=np.array([80.0, 0, 31, 0, 80, 23, 0, 0, 1]))
    points = depth_points(np.full((48, 64), 1000, np.uint16), rays(bent))
    pixels, _ = cv2.projectPoints(points.astype(np.float64), np.zeros(3), np.zeros(3), bent.k.reshape(3, 3), bent.d)
    expected = np.stack(np.meshgrid(np.arange(64), np.arange(48)), axis=-1).reshape(-1, 1, 2)
    np.testing.assert_allclose(pixels, expected, atol=0.05)


@pytest.mark.parametrize(
    "broken",
    [
        {"k": np.zeros(9)},
        {"k": np.full(9, np.nan)},
        {"width": 0},
        {"width": 1 << 21},
        {"d": np.ones(5), "distortion_model": "equidistant"},
        {"d": np.ones(3)},
    ],
    ids=str,
)
def test_a_calibration_that_gives_no_rays_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UnusableCameraError):
        rays(replace(CAMERA, **broken))


def test_the_calibration_of_a_larger_image_serves_a_smaller_one() -> None:
    large = CameraInfo.decode(SimulatedCamera(5, "head", 640, 480, 60.0).encode())
    small = CameraInfo.decode(SimulatedCamera(5, "head", 320, 240, 60.0).encode())
    np.testing.assert_allclose(scaled(large, width=320, height=240).k, small.k)
    np.testing.assert_allclose(scaled(small, width=640, height=480).k, large.k)
    assert scaled(large, width=640, height=480) is large


def test_the_calibration_of_an_image_of_another_shape_is_refused() -> None:
    with pytest.raises(UnusableCameraError, match="image of 64 x 40 pixels, calibration for 6 x 4"):
        scaled(CAMERA, width=64, height=40)


def test_the_calibration_of_a_simulated_camera_is_read() -> None:
    info = CameraInfo.decode(SimulatedCamera(5, "head", 640, 480, 90.0).encode())
    assert (info.width, info.height, info.distortion_model) == (640, 480, "plumb_bob")
    np.testing.assert_allclose(info.k, [240, 0, 319.5, 0, 240, 239.5, 0, 0, 1])


def test_a_calibration_cut_anywhere_is_malformed() -> None:
    data = SimulatedCamera(5, "head", 640, 480, 90.0).encode()
    for cut in range(len(data)):
        with pytest.raises(MalformedMessage):
            CameraInfo.decode(data[:cut])


def test_a_real_image_becomes_a_cloud_whose_lonely_points_are_gone(recordings: Path) -> None:
    recording = open_recording(recordings / "tum_rgbd_6s.mcap")
    first = {}
    for message in recording.messages():
        first.setdefault(message.stream, message.data)
        if {"/camera/camera_info", "/camera/depth"} <= first.keys():
            break
    recording.close()
    image = Image.decode(first["/camera/depth"])
    depth = np.frombuffer(image.data, "<u2").reshape(image.height, image.width)
    points = depth_points(depth, rays(CameraInfo.decode(first["/camera/camera_info"])))
    assert len(points) == np.count_nonzero(depth)
    every = voxel_centroids(points, None, voxel_m=0.02)
    solid = voxel_centroids(points, None, voxel_m=0.02, min_points=3)
    assert 0.5 * len(every.count) < len(solid.count) < len(every.count)
    assert solid.count.sum() > 0.95 * len(points)
