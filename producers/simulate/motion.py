"""Smooth motion through waypoints: pure functions of time."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class MinimumJerk:
    """A path that rests at every waypoint and moves between them with the least jerk.

    The profile is 10 u^3 - 15 u^4 + 6 u^5 (Flash and Hogan 1985, The coordination of arm movements): speed and
    acceleration are zero at both ends, and the top speed is 1.875 times the mean speed. Before the first and
    after the last waypoint the path rests.
    """

    def __init__(self, times_s: list[float], values: list[Vector]) -> None:
        """Take n times in s, strictly rising, and n vectors of k numbers each."""
        self._times_s = np.asarray(times_s, dtype=np.float64)
        self._values = np.asarray(values, dtype=np.float64)
        if len(times_s) != len(values) or np.any(np.diff(self._times_s) <= 0):
            raise ValueError(f"waypoints need one strictly rising time each, not {times_s}")

    def at(self, time_s: float) -> Vector:
        """Return the (k,) value at a time."""
        segment = int(np.searchsorted(self._times_s, time_s, side="right")) - 1
        if segment < 0:
            return np.array(self._values[0])
        if segment >= len(self._times_s) - 1:
            return np.array(self._values[-1])
        begin, end = self._times_s[segment], self._times_s[segment + 1]
        share = _minimum_jerk((time_s - begin) / (end - begin))
        return np.asarray(self._values[segment] + share * (self._values[segment + 1] - self._values[segment]))


def _minimum_jerk(share: float) -> float:
    return share**3 * (10 + share * (6 * share - 15))


class Sway:
    """The slow unrest of a hand that a person holds up: three sines an axis, different in every seed."""

    def __init__(self, amplitude: float, rng: np.random.Generator) -> None:
        """Take the bound of one axis, in the unit of what it is added to."""
        self._amplitudes = amplitude / 3 * rng.uniform(0.6, 1.0, (3, 3))
        self._rates_hz = rng.uniform([0.25, 0.5, 0.8], [0.4, 0.75, 1.2], (3, 3))
        self._phases = rng.uniform(0, 2 * np.pi, (3, 3))

    def at(self, time_s: float) -> Vector:
        """Return the (3,) offset at a time."""
        angles = 2 * np.pi * self._rates_hz * time_s + self._phases
        return np.asarray((self._amplitudes * np.sin(angles)).sum(axis=1))


class HandGoal(NamedTuple):
    """Where a hand shall be: the point between the finger tips, turned about the vertical only."""

    position_m: Vector
    """(3,), in the frame of the robot's base: x forward, y left, z up."""
    yaw_rad: float
    """0 = the hand's front looks along x; the fingers close along the hand's y."""
    opening_m: float
    """Half the distance between the finger pads."""


def look_at(eye_m: Vector, point_m: Vector) -> tuple[float, float]:
    """Return yaw and pitch in rad (pitch > 0 looks down) that turn an eye from +x towards a point."""
    dx, dy, dz = point_m - eye_m
    return float(np.arctan2(dy, dx)), float(np.arctan2(-dz, np.hypot(dx, dy)))
