"""Undo the motion of a sensor while it scanned: every point as it were seen at the moment of the scan's stamp.

The motion comes from a stream of poses, and is taken as constant over a scan, which lasts some 0.1 s (as in Vizzo et
al., "KISS-ICP", IEEE Robotics and Automation Letters 8(2), 2023).
"""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from processors.downsample.rotation import Vector, between, from_turn, inverse, product, to_turn, turned
from saltwell.contracts.frames import CloudFrame
from saltwell.messages.cloud_layout import points, xyz

MAX_SCAN_S = 1.0
"""Times of points that lie farther apart are no times of one scan."""

MAX_GAP_NS = 100_000_000
"""Poses are not interpolated across a longer gap: three periods of the slowest usual tracker (30 Hz)."""

MAX_OFFSET_S = 10.0
"""Points that were measured longer before or after the stamp do not belong to it."""

_TIME_NAMES = ("t", "time", "timestamp", "time_stamp", "offset_time")
_SPLIT_NAMES = ("time_sec", "time_nsec")
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Motion:
    """A sensor's motion about one moment, by its axes at that moment: `turn_rad_s` and `velocity_m_s`, shape (3,).

    What the sensor saw at p, t seconds after the moment, lay then at turn(turn_rad_s * t) p + velocity_m_s * t in the
    sensor's frame of the moment.
    """

    turn_rad_s: Vector
    velocity_m_s: Vector


@dataclass(frozen=True, slots=True)
class Pose:
    """A place: `position_m` (3,), `orientation_xyzw` (4,), in a right-handed frame that does not move."""

    position_m: Vector
    orientation_xyzw: Vector


@dataclass(frozen=True, slots=True)
class ScanTimes:
    """When the points of a scan were measured: `seconds` after its stamp, shape (n,); NaN = not told.

    `first_s` and `last_s` are those of the first and the last valid point.
    """

    seconds: NDArray[np.float64]
    first_s: float
    last_s: float


def scan_times(frame: CloudFrame) -> ScanTimes | None:
    """When the points of a frame that passed `check_cloud` were measured; None when it does not say, or can't be.

    Read are the fields that drivers use: t, time, timestamp, time_stamp or offset_time (whole numbers are ns, others
    s; since the stamp, or in the stamp's own clock, whichever is nearer to it), and the pair time_sec, time_nsec.
    """
    seconds = _seconds(frame)
    if seconds is None:
        return None
    valid = xyz(frame)
    told = seconds[np.isfinite(seconds) & np.isfinite(valid).all(axis=1) & valid.any(axis=1)]
    if not told.size or told.max() - told.min() > MAX_SCAN_S or np.abs(told).max() > MAX_OFFSET_S:
        return None
    return ScanTimes(seconds, float(told.min()), float(told.max()))


def _seconds(frame: CloudFrame) -> NDArray[np.float64] | None:
    of = points(frame)
    names = of.dtype.names or ()
    if all(name in names and of[name].dtype.kind in "iu" for name in _SPLIT_NAMES):
        second, ns = (of[name].ravel().astype(np.int64) for name in _SPLIT_NAMES)
        return np.asarray((second - frame.captured_ns // _NS) + (ns - frame.captured_ns % _NS) / _NS)
    name = next((n for n in _TIME_NAMES if n in names and of[n].ndim == of.ndim), None)
    if name is None:
        return None
    seconds = of[name].ravel().astype(np.float64) * (1.0 if of[name].dtype.kind == "f" else 1 / _NS)
    told = seconds[np.isfinite(seconds)]
    middle, stamp = (float(np.median(told)) if told.size else 0.0), frame.captured_ns / _NS
    return seconds - stamp if abs(middle - stamp) < abs(middle) else seconds


def motion_between(first: Pose, last: Pose, *, seconds: float, until_moment: float) -> Motion:
    """The constant motion from one pose to another, `seconds` later, about the moment `until_moment` s after the first.

    A single place (`seconds` 0) is no motion.
    """
    if seconds <= 0:
        return Motion(np.zeros(3), np.zeros(3))
    turn_rad_s = to_turn(product(inverse(first.orientation_xyzw), last.orientation_xyzw)) / seconds
    at_moment = product(first.orientation_xyzw, from_turn(turn_rad_s * until_moment))
    velocity = (last.position_m - first.position_m) / seconds
    return Motion(turn_rad_s, turned(inverse(at_moment), velocity))


def deskewed(xyz: NDArray[np.float32], seconds: NDArray[np.float64], motion: Motion) -> NDArray[np.float32]:
    """Points as they lay at the moment of the motion.

    `xyz`: (n, 3) float32, m, as seen; `seconds`: (n,), after the moment; NaN = that point stays as it is.
    """
    straight: NDArray[np.float32] = _deskewed(
        np.ascontiguousarray(xyz, dtype=np.float32), seconds, motion.turn_rad_s, motion.velocity_m_s
    )
    return straight


def placed(body: Pose, sensor_in_body: Pose) -> Pose:
    """Where a sensor is that is fixed to a body."""
    return Pose(
        body.position_m + turned(body.orientation_xyzw, sensor_in_body.position_m),
        product(body.orientation_xyzw, sensor_in_body.orientation_xyzw),
    )


class PoseTrack:
    """Poses of one body in the order in which they came."""

    def __init__(self) -> None:
        self._times_ns: list[int] = []
        self._poses: list[Pose] = []
        self._latest_ns: list[int] = []  # the latest time up to each pose: ascending

    def add(self, time_ns: int, pose: Pose) -> None:
        """Take the next pose."""
        self._times_ns.append(time_ns)
        self._poses.append(pose)
        self._latest_ns.append(max(time_ns, self._latest_ns[-1] if self._latest_ns else time_ns))

    @property
    def has_poses(self) -> bool:
        """Whether any pose came."""
        return bool(self._poses)

    def reaches(self, time_ns: int) -> bool:
        """Whether a pose of this time or a later one came."""
        return bool(self._latest_ns) and self._latest_ns[-1] >= time_ns

    def at(self, time_ns: int, *, known_at_ns: int) -> Pose | None:
        """The interpolated pose; None before the first, behind the last and inside long gaps.

        Only poses count that came up to the first of time `known_at_ns` or later, so that the answer is the same
        whenever the question is asked.
        """
        known = int(np.searchsorted(self._latest_ns, known_at_ns)) + 1
        times = np.array(self._times_ns[:known])
        order = np.argsort(times, kind="stable")
        after = int(np.searchsorted(times[order], time_ns))
        if after == len(times) or (after == 0 and times[order[0]] != time_ns):
            return None
        left, right = order[max(after - 1, 0)], order[after]
        gap_ns = int(times[right] - times[left])
        if gap_ns > MAX_GAP_NS:
            return None
        share = (time_ns - int(times[left])) / gap_ns if gap_ns else 1.0
        a, b = self._poses[left], self._poses[right]
        return Pose(
            a.position_m + share * (b.position_m - a.position_m),
            between(a.orientation_xyzw, b.orientation_xyzw, share),
        )


def warm() -> None:
    """Compile the kernel, or load it from numba's cache on disk: call it before the first scan comes."""
    deskewed(np.zeros((1, 3), np.float32), np.zeros(1), Motion(np.zeros(3), np.zeros(3)))


@numba.njit(nogil=True, cache=True)
def _deskewed(
    xyz: NDArray[np.float32], seconds: NDArray[np.float64], turn_rad_s: Vector, velocity_m_s: Vector
) -> NDArray[np.float32]:
    """Rodrigues' rotation about one axis, by an angle of each point's own."""
    speed = math.sqrt(turn_rad_s[0] ** 2 + turn_rad_s[1] ** 2 + turn_rad_s[2] ** 2)
    ax, ay, az = turn_rad_s / speed if speed > 0 else turn_rad_s
    out = xyz.copy()
    for point in range(len(xyz)):
        t = seconds[point]
        if not math.isfinite(t):
            continue
        x, y, z = np.float64(xyz[point, 0]), np.float64(xyz[point, 1]), np.float64(xyz[point, 2])
        sine, cosine = math.sin(speed * t), math.cos(speed * t)
        along = (ax * x + ay * y + az * z) * (1 - cosine)
        out[point, 0] = x * cosine + (ay * z - az * y) * sine + ax * along + velocity_m_s[0] * t
        out[point, 1] = y * cosine + (az * x - ax * z) * sine + ay * along + velocity_m_s[1] * t
        out[point, 2] = z * cosine + (ax * y - ay * x) * sine + az * along + velocity_m_s[2] * t
    return out
