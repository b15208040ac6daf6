"""CDR, the encoding of ROS 2 messages: little-endian plain CDR version 1, nothing else (OMG RTPS 2.5, section 10).

Alignment counts from the byte behind the four-byte encapsulation header. Every length is checked against what
remains before anything is taken. What would not be written back as it was read is refused, but for padding: its
bytes carry no meaning, and are written as zeros.
"""

import struct
from collections.abc import Iterator

import numpy as np

from saltwell.contracts.columns import Float64s
from saltwell.errors import SkipRecordError

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message: two raw 4K images, and what the reader of MCAP files takes."""

MAX_STRING_BYTES = 1024 * 1024
"""Longest string: a robot description takes some 100 KB."""

MAX_ITEMS = 4096
"""Most names or fields of one message: a humanoid with two hands has some 80 joints."""

_ENCAPSULATION = b"\x00\x01\x00\x00"
_HEADER_BYTES = 4
MAX_PADDING = 7
"""Most zeros behind the last value: what fills a message to eight bytes."""

_ZEROS = tuple(bytes(n) for n in range(8))
_KINDS = {0: "big-endian CDR", 2: "big-endian PL_CDR", 3: "PL_CDR"} | dict.fromkeys(range(6, 12), "XCDR2")
_NS = 1_000_000_000

_UINT8 = struct.Struct("<B")
_UINT32 = struct.Struct("<I")
_STAMP = struct.Struct("<iI")
_FLOAT64 = np.dtype("<f8")
_NO_DOUBLES = np.frombuffer(b"", _FLOAT64)


class MalformedMessage(SkipRecordError):
    """Bytes that are no message of the expected type, or values that no message of the type can hold."""


class Reader:
    """Takes values from a message, in order; MalformedMessage when they are not there."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = _HEADER_BYTES
        if len(self._data) < _HEADER_BYTES or self._data[0] != 0 or self._data[1] != 1:
            raise MalformedMessage(_refusal(bytes(self._data[:_HEADER_BYTES])))
        if len(self._data) > MAX_MESSAGE_BYTES:
            raise MalformedMessage(f"{len(self._data)} bytes; a message has at most {MAX_MESSAGE_BYTES}")

    def __len__(self) -> int:
        return len(self._data)

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
        at = self._at + -self._at % 4
        self._at = at + 4
        try:
            return int(_UINT32.unpack_from(self._data, at)[0])
        except struct.error:
            raise self._short(4, at) from None

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
        if len(raw) > MAX_STRING_BYTES:
            raise MalformedMessage(f"a string of {len(raw)} bytes; at most {MAX_STRING_BYTES} are taken")
        return str(raw[:-1], "utf-8", "surrogateescape")

    def strings(self) -> Iterator[str]:
        """A sequence of strings."""
        return (self.string() for _ in range(self.length(least_bytes=5)))

    def block(self) -> memoryview:
        """A sequence of bytes, not copied."""
        return self._take(self.uint32(), 1)

    def doubles(self, count: int | None = None) -> Float64s:
        """A sequence of float64 (with a length before it), or `count` of them (an array without).

        Read-only and aligned: a copy, because doubles lie at odd multiples of four in a message.
        """
        size = self.uint32() if count is None else count
        return np.frombuffer(bytes(self._take(8 * size, 8)), _FLOAT64) if size else _NO_DOUBLES

    def length(self, *, least_bytes: int) -> int:
        """Length of a sequence whose items take at least so many bytes each."""
        size = self.uint32()
        if size > MAX_ITEMS or size * least_bytes > len(self._data) - self._at:
            raise MalformedMessage(f"a sequence claims {size} items in {len(self._data) - self._at} bytes")
        return size

    def skip(self, expected: bytes) -> bool:
        """Whether exactly these bytes follow; if so, they are passed over."""
        end = self._at + len(expected)
        same = bytes(self._data[self._at : end]) == expected
        if same:
            self._at = end
        return same

    def since(self, at: int) -> bytes:
        """Copy of the bytes taken since the message was at `at`."""
        return bytes(self._data[at : self._at])

    @property
    def at(self) -> int:
        """Where the next value begins, before alignment."""
        return self._at

    def end(self) -> int:
        """How many bytes follow: no more than the zeros that fill the message to four or eight bytes.

        RTPS aligns a payload to four bytes, and some writers store it so; other bytes mean another definition.
        """
        rest = bytes(self._data[self._at : self._at + MAX_PADDING + 1])
        if len(rest) > MAX_PADDING or any(rest):
            raise MalformedMessage(f"{len(self._data) - self._at} bytes too many")
        return len(rest)

    def _take(self, size: int, alignment: int) -> memoryview:
        begin = self._at + (_HEADER_BYTES - self._at) % alignment
        end = begin + size
        if end > len(self._data):
            raise self._short(size, begin)
        self._at = end
        return self._data[begin:end]

    def _short(self, size: int, at: int) -> MalformedMessage:
        return MalformedMessage(f"{size} bytes wanted at {at} of {len(self._data)}")


class Writer:
    """Appends values to a message, with zero padding; MalformedMessage for a value that does not fit."""

    __slots__ = ("_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes | memoryview] = [_ENCAPSULATION]
        self._size = 0

    def uint8(self, value: int) -> None:
        """One byte."""
        self._put(_packed(_UINT8, value), 1)

    def uint32(self, value: int) -> None:
        """Four bytes."""
        self._put(_packed(_UINT32, value), 4)

    def stamp_ns(self, stamp_ns: int) -> None:
        """A builtin_interfaces/Time from ns; 1901 to 2038."""
        try:
            self._put(_STAMP.pack(*divmod(stamp_ns, _NS)), 4)
        except struct.error:
            raise MalformedMessage(f"stamp of {stamp_ns} ns: its seconds don't fit in 32 bits") from None

    def string(self, value: str) -> None:
        """A string as `Reader.string` gave it."""
        try:
            raw = value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise MalformedMessage(f"a string can't be written: {error.reason} at {error.start}") from None
        if len(raw) >= MAX_STRING_BYTES:
            raise MalformedMessage(f"a string of {len(raw)} bytes; at most {MAX_STRING_BYTES - 1} are written")
        self.block(raw + b"\0")

    def length(self, size: int) -> None:
        """Length of a sequence of names or fields."""
        if size > MAX_ITEMS:
            raise MalformedMessage(f"a sequence of {size} items; at most {MAX_ITEMS} are written")
        self.uint32(size)

    def block(self, data: bytes | memoryview) -> None:
        """A sequence of bytes."""
        raw = data if isinstance(data, bytes) else data.cast("B")
        self.uint32(len(raw))
        self._put(raw, 1)

    def doubles(self, values: Float64s, *, counted: bool) -> None:
        """float64 values, with their count before them for a sequence."""
        if counted:
            self.uint32(len(values))
        if len(values):
            self._put(np.ascontiguousarray(values, dtype=_FLOAT64).tobytes(), 8)

    def encoded(self, data: bytes) -> None:
        """Bytes as they are, without count or alignment."""
        self._put(data, 1)

    def padding(self, size: int) -> None:
        """Zeros behind the last value, as `Reader.end` counted them."""
        if not 0 <= size <= MAX_PADDING:
            raise MalformedMessage(f"{size} bytes of padding; from 0 to {MAX_PADDING} are written")
        self._put(_ZEROS[size], 1)

    def done(self) -> bytes:
        """The message."""
        if self._size > MAX_MESSAGE_BYTES - _HEADER_BYTES:
            raise MalformedMessage(f"a message of {self._size} bytes; at most {MAX_MESSAGE_BYTES} are written")
        return b"".join(self._parts)

    def _put(self, data: bytes | memoryview, alignment: int) -> None:
        padding = -self._size % alignment
        if padding:
            self._parts.append(_ZEROS[padding])
        self._parts.append(data)
        self._size += padding + len(data)


def _packed(kind: struct.Struct, value: int) -> bytes:
    try:
        return kind.pack(value)
    except struct.error:
        raise MalformedMessage(f"{value} does not fit in {8 * kind.size} bits without sign") from None


def _refusal(head: bytes) -> str:
    kind = _KINDS.get(int.from_bytes(head[:2], "big"), "something else") if len(head) == _HEADER_BYTES else "cut short"
    return f"not little-endian CDR: begins {head.hex()}, {kind}"
