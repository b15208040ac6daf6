"""Unit quaternions, x y z w, shape (4,): the few operations that deskewing needs."""

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_SMALL_RAD = 1e-9


def product(a: Vector, b: Vector) -> Vector:
    """The rotation b, then a."""
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.append(vector, a[3] * b[3] - a[:3] @ b[:3])


def inverse(q: Vector) -> Vector:
    """The rotation back."""
    return q * (-1, -1, -1, 1)


def turned(q: Vector, vector: Vector) -> Vector:
    """A vector, rotated."""
    doubled = 2 * np.cross(q[:3], vector)
    return np.asarray(vector + q[3] * doubled + np.cross(q[:3], doubled))


def from_turn(turn_rad: Vector) -> Vector:
    """The rotation about the direction of a vector by its length in rad."""
    angle = float(np.linalg.norm(turn_rad))
    scale = 0.5 if angle < _SMALL_RAD else math.sin(angle / 2) / angle
    return np.append(scale * turn_rad, math.cos(angle / 2))


def to_turn(q: Vector) -> Vector:
    """The shorter turn, rad, that is this rotation."""
    near = q if q[3] >= 0 else -q
    sine = float(np.linalg.norm(near[:3]))
    if sine < _SMALL_RAD:
        return 2 * near[:3]
    return near[:3] * (2 * math.atan2(sine, near[3]) / sine)


def between(a: Vector, b: Vector, share: float) -> Vector:
    """Spherical interpolation from a (share 0) to b (share 1)."""
    return product(a, from_turn(share * to_turn(product(inverse(a), b))))
