"""sensor_msgs/JointState, geometry_msgs/PoseStamped and sensor_msgs/Imu.

Arrays of a decoded message are read-only. Two messages are the same when they encode to the same bytes.
"""

from dataclasses import dataclass

import numpy as np

from saltwell.contracts.columns import Float64s
from saltwell.messages.cdr import Reader, Writer
from saltwell.messages.joint_names import encoded_names, read_names


@dataclass(frozen=True, slots=True, eq=False)
class JointState:
    """One reading of all joints: rad, rad/s, Nm; arrays of shape (j,), or (0,) where not given."""

    stamp_ns: int
    frame_id: str
    names: tuple[str, ...]
    position: Float64s
    velocity: Float64s
    effort: Float64s

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "JointState":
        """Read a message."""
        r = Reader(data)
        message = cls(r.stamp_ns(), *read_names(r), r.doubles(), r.doubles(), r.doubles())
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.encoded(encoded_names(self.frame_id, self.names))
        for values in (self.position, self.velocity, self.effort):
            w.doubles(values, counted=True)
        return w.done()


@dataclass(frozen=True, slots=True, eq=False)
class PoseStamped:
    """A pose: position (3,) m, orientation (4,) x y z w."""

    stamp_ns: int
    frame_id: str
    position: Float64s
    orientation: Float64s

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "PoseStamped":
        """Read a message."""
        r = Reader(data)
        message = cls(r.stamp_ns(), r.string(), r.doubles(3), r.doubles(4))
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        w.doubles(np.concatenate([self.position, self.orientation]), counted=False)
        return w.done()


@dataclass(frozen=True, slots=True, eq=False)
class Imu:
    """An inertial reading; covariances (9,) each, row by row."""

    stamp_ns: int
    frame_id: str
    orientation: Float64s
    orientation_covariance: Float64s
    angular_velocity: Float64s
    angular_velocity_covariance: Float64s
    linear_acceleration: Float64s
    linear_acceleration_covariance: Float64s

    @classmethod
    def decode(cls, data: bytes | memoryview) -> "Imu":
        """Read a message."""
        r = Reader(data)
        message = cls(r.stamp_ns(), r.string(), *(r.doubles(n) for n in (4, 9, 3, 9, 3, 9)))
        r.end()
        return message

    def encode(self) -> bytes:
        """Write the message."""
        w = Writer()
        w.stamp_ns(self.stamp_ns)
        w.string(self.frame_id)
        for values in (
            self.orientation,
            self.orientation_covariance,
            self.angular_velocity,
            self.angular_velocity_covariance,
            self.linear_acceleration,
            self.linear_acceleration_covariance,
        ):
            w.doubles(values, counted=False)
        return w.done()
