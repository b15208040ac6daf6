"""CDR, the encoding of ROS 2 messages: little-endian plain CDR version 1, nothing else.

Alignment counts from the byte behind the four-byte encapsulation header. Every length is checked against what
remains before anything is taken.
"""

import struct

import numpy as np

from saltwell.contracts.columns import Float64s
from saltwell.errors import SkipRecordError

_ENCAPSULATION = b"\x00\x01\x00\x00"
_HEADER_BYTES = 4
_MAX_PADDING = 7
_NS = 1_000_000_000

_INT32 = struct.Struct("<i")
_UINT32 = struct.Struct("<I")
_STAMP = struct.Struct("<iI")


class MalformedMessage(SkipRecordError):
    """Bytes that are no message of the expected type."""


class Reader:
    """Takes values from a message, in order; MalformedMessage when they are not there."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        if self._data[:2] != _ENCAPSULATION[:2] or len(data) < _HEADER_BYTES:
            raise MalformedMessage(f"not little-endian CDR: begins {bytes(self._data[:4]).hex()}")
        self._at = _HEADER_BYTES

    def uint8(self) -> int:
        """One byte."""
        return self._take(1, 1)[0]

    def boolean(self) -> bool:
        """One byte that is 0 or 1: others would not be written back as they were."""
        value = self.uint8()
        if value > 1:
            raise MalformedMessage(f"a boolean is {value}")
        return value == 1

    def uint32(self) -> int:
        """Four bytes."""
        return int(_UINT32.unpack(self._take(4, 4))[0])

    def stamp_ns(self) -> int:
        """A builtin_interfaces/Time, as ns."""
        sec, nanosec = _STAMP.unpack(self._take(8, 4))
        if nanosec >= _NS:
            raise MalformedMessage(f"a stamp has {nanosec} ns in a second")
        return int(sec) * _NS + int(nanosec)

    def string(self) -> str:
        """A string; bytes that are no UTF-8 survive as surrogates."""
        raw = self.block()
        if not raw or raw[-1] != 0:
            raise MalformedMessage(f"a string of {len(raw)} bytes does not end in zero")
        return str(raw[:-1], "utf-8", "surrogateescape")

    def block(self) -> memoryview:
        """A sequence of bytes, not copied."""
        return self._take(self.uint32(), 1)

    def doubles(self, count: int | None = None) -> Float64s:
        """A sequence of float64 (with a length before it), or `count` of them (an array without)."""
        size = self.uint32() if count is None else count
        return np.frombuffer(self._take(8 * size, 8 if size else 1), dtype="<f8")

    def length(self, *, least_bytes: int) -> int:
        """Length of a sequence whose items take at least so many bytes each."""
        size = self.uint32()
        if size * least_bytes > len(self._data) - self._at:
            raise MalformedMessage(f"a sequence claims {size} items in {len(self._data) - self._at} bytes")
        return size

    def end(self) -> None:
        """No more than padding may follow (some writers pad to eight bytes)."""
        rest = len(self._data) - self._at
        if rest > _MAX_PADDING:
            raise MalformedMessage(f"{rest} bytes too many")

    def _take(self, size: int, alignment: int) -> memoryview:
        begin = self._at + (_HEADER_BYTES - self._at) % alignment
        end = begin + size
        if end > len(self._data):
            raise MalformedMessage(f"{size} bytes wanted at {begin} of {len(self._data)}")
        self._at = end
        return self._data[begin:end]


class Writer:
    """Appends values to a message, with zero padding."""

    def __init__(self) -> None:
        self._out = bytearray(_ENCAPSULATION)

    def uint8(self, value: int) -> None:
        """One byte."""
        self._out.append(value)

    def int32(self, value: int) -> None:
        """Four bytes, signed."""
        self._align(4)
        self._out += _INT32.pack(value)

    def uint32(self, value: int) -> None:
        """Four bytes."""
        self._align(4)
        self._out += _UINT32.pack(value)

    def stamp_ns(self, stamp_ns: int) -> None:
        """A builtin_interfaces/Time from ns."""
        self._align(4)
        self._out += _STAMP.pack(*divmod(stamp_ns, _NS))

    def string(self, value: str) -> None:
        """A string as `Reader.string` gave it."""
        raw = value.encode("utf-8", "surrogateescape")
        self.uint32(len(raw) + 1)
        self._out += raw + b"\0"

    def block(self, data: bytes | memoryview) -> None:
        """A sequence of bytes."""
        self.uint32(len(data))
        self._out += data

    def doubles(self, values: Float64s, *, counted: bool) -> None:
        """float64 values, with their count before them for a sequence."""
        if counted:
            self.uint32(len(values))
        if len(values):
            self._align(8)
            self._out += np.ascontiguousarray(values, dtype="<f8").tobytes()

    def done(self) -> bytes:
        """The message."""
        return bytes(self._out)

    def _align(self, alignment: int) -> None:
        self._out += bytes((_HEADER_BYTES - len(self._out)) % alignment)
