"""Columns of numbers as bytes: 5-9 times cheaper on the wire and in Python than Avro arrays."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]


def pack_i64(values: Sequence[int] | Int64s) -> bytes:
    """Little-endian int64, in order."""
    return np.asarray(values, dtype="<i8").tobytes()


def pack_f64(values: Sequence[float] | npt.NDArray[np.floating]) -> bytes:
    """Little-endian float64, in C order."""
    return np.asarray(values, dtype="<f8").tobytes()


def i64(column: bytes) -> Int64s:
    """View of a packed int64 column, shape (n,)."""
    return np.frombuffer(column, dtype="<i8")


def f64(column: bytes, width: int = 1) -> Float64s:
    """View of a packed float64 column: shape (n,), or (n, width) when width > 1."""
    values = np.frombuffer(column, dtype="<f8")
    return values.reshape(-1, width) if width > 1 else values


def pack_f32(values: npt.NDArray[np.floating]) -> bytes:
    """Little-endian float32, in C order."""
    return np.asarray(values, dtype="<f4").tobytes()


def f32(column: bytes, width: int) -> npt.NDArray[np.float32]:
    """View of a packed float32 column: shape (n, width)."""
    return np.frombuffer(column, dtype="<f4").reshape(-1, width)
