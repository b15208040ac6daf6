"""What the cameras see; skipped on a machine without EGL and OSMesa."""

from pathlib import Path
from typing import Any

import cv2
import mujoco
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from producers.simulate.session import Order, record


def test_every_camera_sees_a_sharp_and_well_lit_scene(our_model: Any, renderer: Any) -> None:
    data = mujoco.MjData(our_model)
    data.joint("neck_pitch").qpos = 1.0
    mujoco.mj_forward(our_model, data)
    for camera in ("head", "wrist_left", "wrist_right"):
        picture = renderer.color(data, our_model.camera(camera).id, width=320, height=240)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        assert 60 < grey.mean() < 180, camera
        assert ((grey <= 2) | (grey >= 253)).mean() < 0.02, camera
        assert cv2.Laplacian(grey, cv2.CV_64F).var() > 50, camera


def test_depth_is_the_distance_that_a_ray_finds(our_model: Any, renderer: Any) -> None:
    data = mujoco.MjData(our_model)
    data.joint("neck_pitch").qpos = 1.0
    mujoco.mj_forward(our_model, data)
    camera = our_model.camera("head").id
    depth_m = renderer.depth(data, camera, width=320, height=240)
    forward = -data.cam_xmat[camera].reshape(3, 3)[:, 2]
    geom = np.full(1, -1, np.int32)
    distance_m = mujoco.mj_ray(our_model, data, data.cam_xpos[camera], forward, None, 1, -1, geom)
    assert depth_m[119:121, 159:161].mean() == pytest.approx(distance_m, abs=0.005)


def test_the_same_order_gives_the_same_bytes_and_another_seed_others(tmp_path: Path, arm: Path, needs_gl: None) -> None:
    def take(name: str, seed: int) -> bytes:
        order = Order(seed=seed, seconds=0.3, start_ns=10**18, model=arm)
        record(tmp_path / name, order, on_step=lambda: None, on_notice=lambda _: None)
        return (tmp_path / name).read_bytes()

    assert take("a.mcap", 1) == take("b.mcap", 1) != take("c.mcap", 2)


def test_another_model_gives_its_cameras_and_driven_joints(tmp_path: Path, arm: Path, needs_gl: None) -> None:
    notices: list[str] = []
    order = Order(seed=1, seconds=1, start_ns=10**18, model=arm, task="wave")
    outcome = record(tmp_path / "arm.mcap", order, on_step=lambda: None, on_notice=notices.append)
    assert outcome.messages == {
        "/action": 100,
        "/camera_1/color": 30,
        "/front_view/color": 30,
        "/joint_states": 1000,
        "/task": 1,
    }
    assert "no joint neck_yaw" in notices[0]
    with (tmp_path / "arm.mcap").open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        messages = {c.topic: ros for _, c, _, ros in reader.iter_decoded_messages()}
    assert messages["/joint_states"].name == ["shoulder", "elbow"]
    assert messages["/action"].name == ["shoulder"], "a motor's control is no position"
    assert messages["/task"].data == "wave"


def test_our_model_gives_every_stream(tmp_path: Path, needs_gl: None) -> None:
    order = Order(seed=1, seconds=0.5, start_ns=10**18)
    steps: list[None] = []
    outcome = record(tmp_path / "take.mcap", order, on_step=lambda: steps.append(None), on_notice=pytest.fail)
    assert len(steps) == 500
    assert outcome.messages == {
        "/action": 50,
        "/head/camera_info": 15,
        "/head/color": 15,
        "/head/depth": 8,
        "/joint_states": 500,
        "/task": 1,
        "/torso/points": 5,
        "/vr/head": 45,
        "/vr/left": 45,
        "/vr/right": 45,
        "/wrist_left/color": 15,
        "/wrist_right/color": 15,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["take.mcap"]
