"""What the robot says of itself: joint readings at 1 kHz and commands at 100 Hz."""

from collections.abc import Iterator

import numpy as np

from producers.simulate.instrument import Channel, Sample, generator
from producers.simulate.motion import Vector
from producers.simulate.robot import Robot
from saltwell.messages.motion import JointState

FRAME = "base"
VELOCITY_NOISE, EFFORT_NOISE = 0.002, 0.05  # rad/s and Nm, standard deviations
# Drives report fixed-point numbers: rad, rad/s, Nm in multiples of these.
POSITION_GRAIN, VELOCITY_GRAIN, EFFORT_GRAIN = 2.0**-16, 2.0**-10, 2.0**-6


class JointSensors:
    """Position, velocity and torque of every driven joint, at every step."""

    channels = (Channel("/joint_states", "sensor_msgs/msg/JointState", latency_s=0.0012, jitter_s=0.0002),)

    def __init__(self, *, seed: int) -> None:
        """Draw the noise from a seed."""
        self._rng = generator(seed, "/joint_states")

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Read the joints as they are now."""
        truth = robot.read_joints()
        count = len(robot.joint_names)
        message = JointState(
            stamp_ns=robot.time_ns,
            frame_id=FRAME,
            names=tuple(robot.joint_names),
            position=_grained(truth.position, POSITION_GRAIN),
            velocity=_grained(truth.velocity + self._rng.normal(0, VELOCITY_NOISE, count), VELOCITY_GRAIN),
            effort=_grained(truth.effort + self._rng.normal(0, EFFORT_NOISE, count), EFFORT_GRAIN),
        )
        yield Sample("/joint_states", robot.time_ns, message.encode())


class Commands:
    """The positions that the drives are told to take."""

    channels = (Channel("/action", "sensor_msgs/msg/JointState", latency_s=0.001, jitter_s=0.0004),)

    def measure(self, robot: Robot) -> Iterator[Sample]:
        """Log a command when one was given at this step."""
        if not robot.commanded_now:
            return
        names, positions = robot.commanded_positions()
        none = np.empty(0)
        message = JointState(robot.time_ns, FRAME, names, _grained(positions, POSITION_GRAIN), none, none)
        yield Sample("/action", robot.time_ns, message.encode())


def _grained(values: Vector, grain: float) -> Vector:
    return np.asarray(np.round(values / grain) * grain)
