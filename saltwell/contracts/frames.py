"""What the sensors gave: the records of the topics `frames.*` and `clouds.sampled`.

The .avsc files beside this module are the truth: units, types and meaning of every field stand there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from saltwell.contracts.identity import OfEpisode


@dataclass(frozen=True, slots=True)
class ImageFrame(OfEpisode):
    """One color or depth image."""

    stream: str
    seq: int
    captured_ns: int
    arrived_ns: int
    frame_id: str
    compressed: bool
    encoding: str
    height: int
    width: int
    step: int
    big_endian: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class PointField:
    """Where a value lies in a point (sensor_msgs/PointField)."""

    name: str
    offset: int
    datatype: int
    count: int


@dataclass(frozen=True, slots=True)
class CloudFrame(OfEpisode):
    """One lidar scan or packet group, in the sensor's own layout."""

    stream: str
    seq: int
    captured_ns: int
    arrived_ns: int
    frame_id: str
    height: int
    width: int
    fields: Sequence[PointField]
    big_endian: bool
    point_step: int
    row_step: int
    dense: bool
    payload: bytes
    padding: int = 0


@dataclass(frozen=True, slots=True)
class JointBlock(OfEpisode):
    """10-50 ms of joint samples of one layout, columnar."""

    stream: str
    seq: bytes
    captured_ns: bytes
    arrived_ns: bytes
    frame_id: str
    names: Sequence[str]
    position_rad: bytes
    velocity_rad_s: bytes
    torque_nm: bytes


@dataclass(frozen=True, slots=True)
class PoseBlock(OfEpisode):
    """10-50 ms of poses of one body, columnar."""

    stream: str
    seq: bytes
    captured_ns: bytes
    arrived_ns: bytes
    frame_id: str
    position_m: bytes
    orientation_xyzw: bytes


@dataclass(frozen=True, slots=True)
class ImuBlock(OfEpisode):
    """10-50 ms of inertial samples, columnar."""

    stream: str
    seq: bytes
    captured_ns: bytes
    arrived_ns: bytes
    frame_id: str
    orientation_xyzw: bytes
    angular_velocity_rad_s: bytes
    acceleration_m_s2: bytes
    covariances: bytes


@dataclass(frozen=True, slots=True)
class MessageFrame(OfEpisode):
    """One message of any other type, carried as it is."""

    stream: str
    seq: int
    captured_ns: int
    arrived_ns: int
    message_type: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SampledCloud(OfEpisode):
    """One downsampled cloud; same stream and seq as its source."""

    stream: str
    seq: int
    captured_ns: int
    frame_id: str
    method: str
    voxel_m: float
    points_in: int
    points: int
    step_m: float
    xyz: bytes
    intensity: bytes
    count: bytes
