"""What a sensor gives: a capture time, a time of arrival, and a payload by kind."""

from dataclasses import dataclass

from saltwell.contracts.columns import Float64s
from saltwell.contracts.frames import PointField


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame of one stream before it has a name. `captured_ns` is the sensor's clock, `arrived_ns` the edge's."""

    stream: str
    captured_ns: int
    arrived_ns: int


@dataclass(frozen=True, slots=True)
class ImageSample(Sample):
    """A color or depth image; height, width and step are 0 when compressed."""

    frame_id: str
    compressed: bool
    encoding: str
    height: int
    width: int
    step: int
    big_endian: bool
    payload: bytes


@dataclass(frozen=True, slots=True)
class CloudSample(Sample):
    """A point cloud in the sensor's own layout."""

    frame_id: str
    height: int
    width: int
    fields: tuple[PointField, ...]
    big_endian: bool
    point_step: int
    row_step: int
    dense: bool
    payload: bytes
    padding: int


@dataclass(frozen=True, slots=True)
class JointSample(Sample):
    """One reading of all joints: arrays of shape (j,), or (0,) where not given."""

    frame_id: str
    names: tuple[str, ...]
    position_rad: Float64s
    velocity_rad_s: Float64s
    torque_nm: Float64s


@dataclass(frozen=True, slots=True)
class PoseSample(Sample):
    """One pose: shapes (3,) m and (4,) x y z w."""

    frame_id: str
    position_m: Float64s
    orientation_xyzw: Float64s


@dataclass(frozen=True, slots=True)
class ImuSample(Sample):
    """One inertial reading: shapes (4,), (3,), (3,) and (27,) of covariances."""

    frame_id: str
    orientation_xyzw: Float64s
    angular_velocity_rad_s: Float64s
    acceleration_m_s2: Float64s
    covariances: Float64s


@dataclass(frozen=True, slots=True)
class MessageSample(Sample):
    """A message of any other type, as it is."""

    message_type: str
    payload: bytes
