"""Points of a sampled cloud as compact columns of bytes, and back. Pure.

A coordinate becomes the nearest whole number of steps (1 mm unless configured: the centroid of noisy points means
nothing below that), so it is off by half a step at most; whole steps come back exactly. An intensity keeps 12
significant bits: off by 1 / 4,096 of itself at most, whole numbers up to 4,096 are exact. Counts are exact.

A column of whole numbers is stored as the differences of neighbours (neighbours in a scan are near each other),
zigzagged so that small ones of either sign have zero high bytes, as four planes of bytes, lowest first, behind zstd.
"""

import math
from dataclasses import dataclass

import numpy as np
import zstandard
from numpy.typing import NDArray

from saltwell.contracts.frames import SampledCloud
from saltwell.errors import SkipRecordError

STEP_M = 0.001
"""Default step of a coordinate, m."""

MAX_STEPS = 2**31 - 1
"""Coordinates lie within so many steps of the origin: 2,147 km at 1 mm."""

MAX_POINTS = 1 << 22
"""The largest cloud unpacked: bounds the memory."""

MAX_STEP_M = 1000.0

_ZSTD_LEVEL = 1
_WORD_BYTES = 4
_KEPT_BITS = np.uint32(0xFFFFF000)  # sign, exponent and 11 of 23 fraction bits; with the implicit one 12
_HALF_OF_LAST = np.uint32(0x00000800)

Words = NDArray[np.uint32]


class UnreadablePoints(SkipRecordError):
    """Columns that don't hold the points that the record promises."""


@dataclass(frozen=True, slots=True)
class SampledPoints:
    """n points: `xyz` (n, 3) float32 m, `intensity` (n,) float32 or None, `count` (n,) int32 points each stands for."""

    xyz: NDArray[np.float32]
    intensity: NDArray[np.float32] | None
    count: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class PackedPoints:
    """The columns of a `SampledCloud`; `intensity` is empty when there is none."""

    points: int
    step_m: float
    xyz: bytes
    intensity: bytes
    count: bytes


def pack_points(points: SampledPoints, *, step_m: float = STEP_M) -> PackedPoints:
    """Pack points, in their order. The same points give the same bytes (of one version of zstd).

    Raises `UnreadablePoints` when a coordinate is not finite or beyond `MAX_STEPS`.
    """
    steps = np.rint(points.xyz.astype(np.float64) / step_m)
    if not (np.abs(steps) <= MAX_STEPS).all():  # NaN fails this too
        raise UnreadablePoints(f"a coordinate is not finite or beyond {MAX_STEPS} steps of {step_m} m")
    return PackedPoints(
        points=len(points.xyz),
        step_m=step_m,
        xyz=_packed(*(_differences(steps[:, axis].astype(np.int32)) for axis in range(3))),
        intensity=b"" if points.intensity is None else _packed(_shortened(points.intensity)),
        count=_packed(points.count.astype(np.uint32)),
    )


def unpack_points(cloud: SampledCloud) -> SampledPoints:
    """The points of a record; raises `UnreadablePoints`, and nothing else, whatever its bytes."""
    if not 0 <= cloud.points <= MAX_POINTS:
        raise UnreadablePoints(f"{cloud.points} points; from 0 to {MAX_POINTS} are taken")
    if not 0 < cloud.step_m <= MAX_STEP_M:
        raise UnreadablePoints(f"a step of {cloud.step_m} m; more than 0, at most {MAX_STEP_M} are taken")
    columns = _unpacked(cloud.xyz, cloud.points, "xyz", columns=3)
    xyz = np.stack([_summed(column) * cloud.step_m for column in columns], axis=1).astype(np.float32)
    strength = None
    if cloud.intensity:
        strength = _unpacked(cloud.intensity, cloud.points, "intensity")[0].view(np.float32)
    return SampledPoints(xyz, strength, _unpacked(cloud.count, cloud.points, "count")[0].view(np.int32))


def _differences(whole: NDArray[np.int32]) -> Words:
    """Neighbours' differences modulo 2^32, zigzagged: 0, -1, 1, -2 ... become 0, 1, 2, 3 ..."""
    steps = np.diff(whole.view(np.uint32), prepend=np.uint32(0)).view(np.int32)
    return ((steps << 1) ^ (steps >> 31)).view(np.uint32)


def _summed(words: Words) -> NDArray[np.int32]:
    steps = (words >> np.uint32(1)) ^ -(words & np.uint32(1))
    return np.cumsum(steps, dtype=np.uint32).view(np.int32)


def _shortened(intensity: NDArray[np.float32]) -> Words:
    """Round to 12 significant bits; every NaN becomes the same NaN."""
    words = (np.ascontiguousarray(intensity, dtype=np.float32).view(np.uint32) + _HALF_OF_LAST) & _KEPT_BITS
    words[np.isnan(intensity)] = np.float32(math.nan).view(np.uint32)
    return words


def _packed(*columns: Words) -> bytes:
    planes = [
        column.astype("<u4", copy=False).view(np.uint8).reshape(-1, _WORD_BYTES).T.tobytes() for column in columns
    ]
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress(b"".join(planes))


def _unpacked(data: bytes, points: int, name: str, *, columns: int = 1) -> list[Words]:
    size = columns * points * _WORD_BYTES
    try:
        if zstandard.frame_content_size(data) != size:  # before anything is allocated
            raise UnreadablePoints(f"{name} of {points} points unpacks to another size than {size} bytes")
        planes = zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise UnreadablePoints(f"{name} of {points} points: {error}") from error
    words = np.frombuffer(planes, np.uint8).reshape(columns, _WORD_BYTES, points).transpose(0, 2, 1)
    return [np.ascontiguousarray(column).view("<u4").astype(np.uint32, copy=False)[:, 0] for column in words]
