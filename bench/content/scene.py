"""`python -m bench.content.scene`: is a good estimate good? Many short episodes of a drawn robot, made difficult.

Two arms of three links before a wall, drawn flat and fast, so that hundreds of episodes take minutes. The truth is 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from processors.judge.content.motion import Motion
from processors.judge.content.pairs import Finding, camera_and_joints
from processors.score.flow import LABELS, FlowMeter
from saltwell.contracts.columns import Float64s

_WIDTH, _HEIGHT = 160, 120
_ARM_JOINTS = 6
_MS_A_SAMPLE = 0.001
_WRONG_S = 0.010
Picture = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scene:
    """What makes an episode difficult. `mount`: what carries the camera, head (still), neck or wrist."""

    name: str
    mount: str = "head"
    seconds: float = 10.0
    camera_hz: float = 30.0
    joints_hz: float = 100.0
    other_joints: int = 6
    noise: float = 2.5
    repeated: float = 0.0
    lost: float = 0.0
    stranger: bool = False


_SCENES = (
    Scene("still camera"),
    Scene("camera on the neck", mount="neck"),
    Scene("camera on the wrist", mount="wrist"),
    Scene("a quarter of frames repeated", repeated=0.25),
    Scene("a tenth of frames lost", lost=0.1),
    Scene("camera at 15 Hz", camera_hz=15),
    Scene("joints at 30 Hz", joints_hz=30),
    Scene("20 joints out of view", other_joints=20),
    Scene("dark: much noise", noise=12),
    Scene("something else moves", stranger=True),
    Scene("6 s", seconds=6),
    Scene("neck, 7 s", mount="neck", seconds=7),
    Scene("neck, 8 s", mount="neck", seconds=8),
    Scene("30 s", seconds=30),
)


@click.command()
@click.option("--episodes", default=24, show_default=True, type=click.IntRange(1, 1000), help="Of each scene.")
def main(episodes: int) -> None:
    """Print for each scene how often an estimate is good, and how often a good one is wrong."""
    print(f"{'scene':30} {'good':>9} {'largest ms':>11} {'off > 10 ms':>12} {'beyond bound':>13} (all episodes)")
    for scene in _SCENES:
        found = [finding for seed in range(episodes) if (finding := check(scene, seed)).grade != "not_measurable"]
        good = [finding for finding in found if finding.grade == "good"]
        largest_ms = max((abs(finding.lag_s) * 1000 for finding in good), default=0.0)
        wrong = sum(abs(finding.lag_s) > _WRONG_S for finding in good)
        beyond = sum(abs(finding.lag_s) > finding.error_s for finding in found)
        counts = f"{len(good)}/{episodes}"
        print(f"{scene.name:30} {counts:>9} {largest_ms:11.1f} {wrong:12} {beyond:13}", flush=True)


def check(scene: Scene, seed: int) -> Finding:
    """Make one episode and compare its camera with its joints."""
    rng = np.random.default_rng(seed)
    angles = _reaches(rng, scene.seconds, _ARM_JOINTS + scene.other_joints)
    meter, times_s, flows = FlowMeter(), [], []
    for time_s, picture in _pictures(scene, angles, rng):
        flow = meter.see(picture)
        if flow is not None:
            times_s.append(time_s)
            flows.append(flow)
    every = round(1 / (_MS_A_SAMPLE * scene.joints_hz))
    sampled = angles[::every] + rng.normal(0, 2e-4, angles[::every].shape)
    joints_s = np.arange(len(angles), dtype=np.float64)[::every] * _MS_A_SAMPLE
    joints = Motion(tuple(f"joint_{i}" for i in range(sampled.shape[1])), joints_s, sampled)
    return camera_and_joints(joints, Motion(LABELS, np.array(times_s), np.array(flows)))


def _reaches(rng: np.random.Generator, seconds: float, joints: int) -> Float64s:
    """Angles at 1 kHz, rad: minimum-jerk motions to goals at random, with pauses; some joints rest in some of them."""
    times_s = np.arange(0, seconds, _MS_A_SAMPLE)
    now = rng.uniform(-0.5, 0.5, joints)
    angles = np.tile(now, (len(times_s), 1))
    begin_s = 0.3
    while begin_s < seconds:
        takes_s = rng.uniform(0.5, 1.6)
        goal = np.clip(now + rng.normal(0, 0.5, joints) * (rng.random(joints) < 0.8), -1.3, 1.3)
        share = np.clip((times_s - begin_s) / takes_s, 0, 1)[:, np.newaxis]
        angles += (goal - now) * share**3 * (10 - 15 * share + 6 * share**2)
        now = goal
        begin_s += takes_s + (rng.uniform(0, 0.6) if rng.random() < 0.5 else -0.15)
    return angles


def _pictures(scene: Scene, angles: Float64s, rng: np.random.Generator) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    wall = _texture(rng, 2 * _HEIGHT, 2 * _WIDTH)
    links = [_texture(rng, 24, 60) for _ in range(_ARM_JOINTS)]
    wanders = _reaches(rng, scene.seconds, 2)
    shown: NDArray[np.uint8] | None = None
    for planned_s in np.arange(0.05, scene.seconds - 0.05, 1 / scene.camera_hz):
        time_s = float(planned_s + rng.normal(0, 1e-4))
        lost, repeated = rng.random(2) < (scene.lost, scene.repeated)
        row = round(time_s / _MS_A_SAMPLE)
        view = _view(scene, wall, links, angles[row])
        if scene.stranger:
            x, y = wanders[row]
            _put(view, links[0], [[0.8, 0, 80 + 50 * x], [0, 1.5, 40 + 30 * y]])
        grainy = np.clip(view + rng.normal(0, scene.noise, view.shape), 0, 255).astype(np.uint8)
        shown = shown if repeated and shown is not None else grainy
        if not lost:
            yield time_s, shown


def _view(scene: Scene, wall: Picture, links: list[Picture], joint: Float64s) -> Picture:
    """What the camera sees in one pose of the robot."""
    across, down = {
        "head": (0.0, 0.0),
        "neck": (25 * joint[_ARM_JOINTS], 15 * joint[_ARM_JOINTS + 1]),
        "wrist": (40 * joint[0] + 25 * joint[1], 35 * joint[2] - 15 * joint[1]),
    }[scene.mount]
    place = np.array([[1, 0, -_WIDTH / 2 - across], [0, 1, -_HEIGHT / 2 - down]], np.float32)
    view = np.asarray(cv2.warpAffine(wall, place, (_WIDTH, _HEIGHT), borderMode=cv2.BORDER_REFLECT), np.float32)
    if scene.mount != "wrist":
        for side in (0, 1):
            _put_arm(
                view, links[3 * side : 3 * side + 3], joint[3 * side : 3 * side + 3], x=_WIDTH * (0.2 + 0.6 * side)
            )
    return view


def _put_arm(view: Picture, links: list[Picture], joint: Float64s, *, x: float) -> None:
    y, angle = _HEIGHT * 0.95, -np.pi / 2
    for link, (texture, turned) in enumerate(zip(links, joint, strict=True)):
        angle += 0.8 * turned
        length = 45 - 8 * link
        cos, sin = np.cos(angle), np.sin(angle)
        _put(view, texture, [[cos * length / 60, -0.6 * sin, x + 7 * sin], [sin * length / 60, 0.6 * cos, y - 7 * cos]])
        x, y = x + length * cos, y + length * sin


def _put(view: Picture, texture: Picture, place: list[list[float]]) -> None:
    cv2.warpAffine(texture, np.array(place, np.float32), (_WIDTH, _HEIGHT), dst=view, borderMode=cv2.BORDER_TRANSPARENT)


def _texture(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Grey levels of several scales, (height, width)."""
    grey = np.full((height, width), 128, np.float32)
    for cells, weight in ((6, 22), (20, 18), (60, 14)):
        coarse = rng.normal(0, weight, (max(2, height * cells // width), cells)).astype(np.float32)
        grey += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(grey, 0, 255)


if __name__ == "__main__":
    main()
