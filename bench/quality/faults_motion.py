"""Faults of lidars, joints and poses."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.quality.faults import Rng, fault, held, span
from bench.quality.takes import Samples

_WINDOW_S = 1.5
_XYZ_BYTES = 12
_SPIKE_S = 0.008
_GLITCH_S = 0.035


def _begins_with_xyz(samples: Samples) -> bool:
    first: Any = samples[0]
    return [(f.name, f.offset, f.datatype) for f in first.fields[:3]] == [("x", 0, 7), ("y", 4, 7), ("z", 8, 7)]


def _rescanned(samples: Samples, begin: float, change: Any) -> Samples:
    """Scans of a window with other points: `change` takes (n, 3) m and gives them, NaN for those that are gone."""
    changed: list[Any] = list(samples)
    for i in span(samples, begin, _WINDOW_S):
        sample = changed[i]
        raw = np.frombuffer(sample.payload, np.uint8).reshape(-1, sample.point_step).copy()
        xyz = raw[:, :_XYZ_BYTES].copy().view("<f4")
        raw[:, :_XYZ_BYTES] = np.ascontiguousarray(change(xyz), dtype="<f4").view(np.uint8)
        changed[i] = replace(sample, payload=raw.tobytes())
    return changed


@fault("lost returns", "cloud", "share", (0.2, 0.5, 0.8), "thin_cloud", needs=_begins_with_xyz)
def lost_returns(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Points drawn at random become NaN."""
    return _rescanned(samples, begin, lambda p: np.where(rng.random((len(p), 1)) < value, np.nan, p))


@fault("blocked sector", "cloud", "deg", (10, 30, 90), "empty_sector", needs=_begins_with_xyz)
def blocked(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """No return from one direction."""
    middle = rng.uniform(-np.pi, np.pi)

    def change(points: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        turned = np.arctan2(points[:, 1], points[:, 0]) - middle
        off = np.abs((turned + np.pi) % (2 * np.pi) - np.pi)
        return np.where((off < np.radians(value) / 2)[:, np.newaxis], np.float32(np.nan), points)

    return _rescanned(samples, begin, change)


@fault("wrong ranges", "cloud", "factor", (1.15, 1.5, 2.0), "ranges", needs=_begins_with_xyz)
def wrong_ranges(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """All distances by a factor."""
    del rng
    return _rescanned(samples, begin, lambda p: p * np.float32(value))


def _has_torque(samples: Samples) -> bool:
    first: Any = samples[0]
    return bool(first.torque_nm.size)


def _edited(samples: Samples, rows: range, name: str, change: Any) -> Samples:
    changed: list[Any] = list(samples)
    for i in rows:
        values = getattr(changed[i], name).copy()
        changed[i] = replace(changed[i], **{name: change(values)})
    return changed


@fault("torque spike", "joints", "Nm", (6, 20, 60), "torque_spike", needs=_has_torque)
def torque_spike(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One joint's torque off for 8 ms, one sample at the least."""
    first: Any = samples[0]
    joint = int(rng.integers(first.torque_nm.size))
    return _edited(samples, span(samples, begin, _SPIKE_S), "torque_nm", lambda v: _put(v, joint, v[joint] + value))


@fault("torque saturated", "joints", "ms", (30, 100, 400), "torque_flat torque_limit", needs=_has_torque)
def torque_saturated(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """The hardest working joint's torque stands at its peak."""
    del rng
    every: list[Any] = list(samples)
    torque = np.stack([s.torque_nm for s in every])
    joint = int(np.abs(torque).max(axis=0).argmax())
    peak = float(np.abs(torque[:, joint]).max()) * 1.02
    return _edited(samples, span(samples, begin, value / 1000), "torque_nm", lambda v: _put(v, joint, peak))


@fault("torques frozen", "joints", "s", (0.05, 0.25, 1.0), "torque_frozen joints_frozen", needs=_has_torque)
def torque_frozen(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """All torques stand still, positions go on."""
    del rng
    rows = span(samples, begin, value)
    kept: Any = samples[rows[0] - 1]
    return _edited(samples, rows, "torque_nm", lambda _: kept.torque_nm)


@fault("joints frozen", "joints", "s", (0.05, 0.25, 1.0), "joints_frozen")
def joints_frozen(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One sample again and again, with stamps that go on."""
    del rng
    return held(samples, span(samples, begin, max(value, 3 * _period_s(samples))))


@fault("position jump", "joints", "rad", (0.1, 0.4, 1.0), "joint_jump")
def position_jump(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One joint reads wrong for 8 ms, one sample at the least."""
    first: Any = samples[0]
    joint = int(rng.integers(first.position_rad.size))
    rows = span(samples, begin, _SPIKE_S)
    return _edited(samples, rows, "position_rad", lambda v: _put(v, joint, v[joint] + value))


@fault("not a number", "joints", "samples", (1, 3, 20), "not_a_number")
def not_a_number(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One joint's position is NaN."""
    first: Any = samples[0]
    joint = int(rng.integers(first.position_rad.size))
    at = int(begin * len(samples))
    return _edited(samples, range(at, at + int(value)), "position_rad", lambda v: _put(v, joint, np.nan))


@fault("length mismatch", "joints", "samples", (1, 5, 50), "layout")
def length_mismatch(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """Messages with one position fewer than names."""
    del rng
    at = int(begin * len(samples))
    return _edited(samples, range(at, at + int(value)), "position_rad", lambda v: v[:-1])


@fault("tracking glitch", "pose", "m", (0.06, 0.2, 1.0), "tracking_jumps tracking_jump")
def tracking_glitch(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """The pose is elsewhere for 35 ms."""
    way = rng.normal(size=3)
    offset = value * way / np.linalg.norm(way)
    return _edited(samples, span(samples, begin, _GLITCH_S), "position_m", lambda v: v + offset)


@fault("tracking lost", "pose", "s", (0.1, 0.4, 1.5), "tracking_lost")
def tracking_lost(samples: Samples, value: float, begin: float, rng: Rng) -> Samples:
    """One pose again and again."""
    del rng
    return held(samples, span(samples, begin, value))


def _put(values: npt.NDArray[np.float64], at: int, value: float) -> npt.NDArray[np.float64]:
    values[at] = value
    return values


def _period_s(samples: Samples) -> float:
    return (samples[-1].captured_ns - samples[0].captured_ns) / 1e9 / (len(samples) - 1)


FAULTS = (
    *(lost_returns, blocked, wrong_ranges, torque_spike, torque_saturated, torque_frozen, joints_frozen),
    *(position_jump, not_a_number, length_mismatch, tracking_glitch, tracking_lost),
)
