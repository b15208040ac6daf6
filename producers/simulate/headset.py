"""The operator's side: poses of head and hands, about 90 times a second, and the task in words."""

from collections.abc import Iterator

import numpy as np

from producers.simulate.instrument import Channel, Sample, generator
from producers.simulate.motion import Vector, look_at
from producers.simulate.robot import Robot
from producers.simulate.script import SIDES, Script
from producers.simulate.timing import NS, Pulse
from saltwell.messages.motion import PoseStamped
from saltwell.messages.text import String

FRAME = "base"
EYES_M = np.array([0.08, 0.0, 1.55])
POSITION_NOISE_M, ANGLE_NOISE_RAD = 0.0003, 0.001


class Headset:
    """Poses of the script at the headset's own instants; the robot follows them later."""

    channels = tuple(
        Channel(f"/vr/{part}", "geometry_msgs/msg/PoseStamped", latency_s=0.014, jitter_s=0.003)
        for part in ("head", *SIDES)
    )

    def __init__(self, script: Script, *, seed: int) -> None:
        """Follow a script."""
        self._script = script
        self._rng = generator(seed, "/vr")
        self._pulse = Pulse(rate_hz=90, phase_s=0.0047, jitter_s=0.0002, rng=self._rng)

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Sample all three poses at one instant, as a headset does."""
        for instant_ns in self._pulse.due(robot.time_ns - robot.start_ns):
            stamp_ns = robot.start_ns + instant_ns
            for topic, (position, orientation) in self._poses(instant_ns / NS).items():
                message = PoseStamped(stamp_ns, FRAME, position, orientation)
                yield Sample(topic, stamp_ns, message.encode())

    def _poses(self, time_s: float) -> dict[str, tuple[Vector, Vector]]:
        head_m = EYES_M + self._script.head_sway(time_s)
        poses = {"/vr/head": self._pose(head_m, *look_at(head_m, self._script.gaze(time_s)))}
        for side in SIDES:
            goal = self._script.hand(side, time_s)
            poses[f"/vr/{side}"] = self._pose(goal.position_m, goal.yaw_rad, 0.0)
        return poses

    def _pose(self, position_m: Vector, yaw_rad: float, pitch_rad: float) -> tuple[Vector, Vector]:
        """Return a noisy position and the quaternion x y z w of a pitch (down) and then a yaw."""
        yaw, pitch = self._rng.normal([yaw_rad, pitch_rad], ANGLE_NOISE_RAD) / 2
        orientation = np.array(
            [
                -np.sin(yaw) * np.sin(pitch),
                np.cos(yaw) * np.sin(pitch),
                np.sin(yaw) * np.cos(pitch),
                np.cos(yaw) * np.cos(pitch),
            ]
        )
        return self._rng.normal(position_m, POSITION_NOISE_M), orientation


class TaskNote:
    """The task, said once at the start."""

    channels = (Channel("/task", "std_msgs/msg/String", latency_s=0.0, jitter_s=0.0001),)

    def __init__(self, text: str) -> None:
        """Take the words."""
        self._text = text

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Say it in the first millisecond."""
        if robot.steps == 1:
            yield Sample("/task", robot.start_ns, String(self._text).encode())
