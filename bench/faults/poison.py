"""Records that no part can use, made without end from a seed. Pure.

They carry names of their own, so that none can be taken for a frame of a real episode: what is well-formed and carries
a real name is, to everybody downstream, real.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, get_type_hints

from saltwell.contracts.codec import Codec
from saltwell.contracts.schemas import RECORD_TYPES
from saltwell.contracts.topics import TOPICS

_HEADER_BYTES = 5
_MOST_BYTES = 2_000
_SITE = "poison"
_INTEGERS = (-1, -(2**31), 2**31 - 1, 2**40, -(2**63), 2**63 - 1)
_FLOATS = (math.nan, math.inf, -math.inf, -1.0, 1e300)
_LENGTHS = (b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"\xfe\xff\xff\xff\x0f", b"\x01", b"\x80" * 12)
"""Avro lengths: about 2^62, 2^31, -1, and a number that does not end."""

Poison = tuple[str, bytes | None]
"""Topic and value."""


def poison(rng: Random, codec: Codec) -> Iterator[Poison]:
    """Endless poison for every topic that a part reads."""
    topics = [topic.name for topic in TOPICS if topic.owner]
    makers = (_no_bytes, _noise, _unknown_schema, _truncated, _absurd_length, _flipped, _lying)
    while True:
        yield rng.choice(topics), rng.choice(makers)(rng, codec)


def _no_bytes(rng: Random, _: Codec) -> bytes | None:
    return rng.choice([None, b"", b"\x00", b"\x00\x00\x00\x00\x01"])


def _noise(rng: Random, _: Codec) -> bytes:
    return rng.randbytes(rng.randint(1, _MOST_BYTES))


def _unknown_schema(rng: Random, codec: Codec) -> bytes:
    good = codec.encode(_record(rng, _plain))
    return b"\x00" + rng.choice([0, 999_999, 2**31, 2**32 - 1]).to_bytes(4, "big") + good[_HEADER_BYTES:]


def _truncated(rng: Random, codec: Codec) -> bytes:
    good = codec.encode(_record(rng, _plain))
    return good[: rng.randint(_HEADER_BYTES, len(good) - 1)]


def _absurd_length(rng: Random, codec: Codec) -> bytes:
    good = codec.encode(_record(rng, _plain))
    at = rng.randint(_HEADER_BYTES, len(good) - 1)
    return good[:at] + rng.choice(_LENGTHS) + good[at:]


def _flipped(rng: Random, codec: Codec) -> bytes:
    """A few bits over; never in the names, so that these stay apart from real ones."""
    bad = bytearray(codec.encode(_record(rng, _plain)))
    for _ in range(rng.randint(1, 8)):
        at = rng.randint(_HEADER_BYTES + _names_bytes(), len(bad) - 1)
        bad[at] ^= 1 << rng.randrange(8)
    return bytes(bad)


def _lying(rng: Random, codec: Codec) -> bytes:
    """Well-formed, with numbers that can't be: NaN, negative sizes, counts beyond all measure."""
    return codec.encode(_record(rng, _absurd))


def _names_bytes() -> int:
    return sum(1 + len(name) for name in (_SITE, "poison-0", "poison-0"))


Filling = Callable[[Random, Any], Any]


def _record(rng: Random, fill: Filling) -> Any:
    """A record of any type with every field filled."""
    cls = rng.choice([cls for name, cls in sorted(RECORD_TYPES.items()) if not name.endswith("SetAside")])
    return _filled(rng, cls, fill)


def _filled(rng: Random, cls: type, fill: Filling) -> Any:
    hints = get_type_hints(cls)
    values = {field.name: _value(rng, hints[field.name], fill) for field in dataclasses.fields(cls)}
    if "episode" in values:
        name = f"poison-{rng.randrange(8)}"
        values |= {"site": _SITE, "robot": name, "episode": name}
    return cls(**values)


def _value(rng: Random, hint: Any, fill: Filling) -> Any:
    inner = [arg for arg in getattr(hint, "__args__", ()) if isinstance(arg, type)]
    if any(dataclasses.is_dataclass(arg) for arg in inner):
        return [_filled(rng, inner[0], fill) for _ in range(rng.randint(0, 3))]
    return fill(rng, hint)


def _plain(rng: Random, hint: Any) -> Any:
    text = str(hint)
    ways: tuple[tuple[str, Any], ...] = (
        ("Literal", getattr(hint, "__args__", ("",))[0]),
        ("Mapping", {"key": "value"}),
        ("Sequence", ["joint"]),
        ("bool", rng.random() < 0.5),
        ("int", rng.randrange(1000)),
        ("float", rng.random()),
        ("bytes", rng.randbytes(8 * rng.randint(0, 4))),
    )
    return next((value for word, value in ways if word in text), "accept")


def _absurd(rng: Random, hint: Any) -> Any:
    if hint is int:
        return rng.choice(_INTEGERS)
    if hint is float:
        return rng.choice(_FLOATS)
    if hint is bytes:
        return rng.randbytes(rng.choice([0, 1, 7, 9, 16, 64]))
    return _plain(rng, hint)
