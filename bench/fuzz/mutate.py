"""Bad bytes out of good ones, from a seed. Pure."""

from collections.abc import Callable, Sequence
from random import Random

_MOST_NOISE = 2_000
_MOST_ACTS = 4
_ABSURD = (
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f",  # Avro: about 2^62
    b"\xfe\xff\xff\xff\x0f",  # Avro: about 2^31
    b"\x80" * 12,  # Avro: a number without end
    b"\x01",  # Avro: -1
    b"\x00",
    b"1e999",
    b"-1",
    b"9" * 400,
    b"null",
    b"[" * 300,
    b'"\\ud800"',
    b"\xed\xa0\x80",
)
"""Lengths, counts and words that parsers stumble over."""

Act = Callable[[Random, bytearray, Sequence[bytes]], None]


def mutated(rng: Random, seeds: Sequence[bytes]) -> bytes:
    """Noise now and then, else a seed with some bytes flipped, cut, doubled, moved or made absurd."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randint(0, _MOST_NOISE))
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, _MOST_ACTS)):
        rng.choice(_ACTS)(rng, data, seeds)
    return bytes(data)


def _flip(rng: Random, data: bytearray, _seeds: Sequence[bytes]) -> None:
    for _ in range(rng.randint(1, 8) if data else 0):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _set(rng: Random, data: bytearray, _: Sequence[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _cut(rng: Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[rng.randint(0, len(data)) :]


def _remove(rng: Random, data: bytearray, _: Sequence[bytes]) -> None:
    begin = rng.randint(0, len(data))
    del data[begin : begin + rng.randint(1, 16)]


def _double(rng: Random, data: bytearray, _: Sequence[bytes]) -> None:
    begin = rng.randint(0, len(data))
    data[begin:begin] = data[begin : begin + rng.randint(1, 64)]


def _absurd(rng: Random, data: bytearray, _: Sequence[bytes]) -> None:
    at, word = rng.randint(0, len(data)), rng.choice(_ABSURD)
    data[at : at + rng.choice((0, len(word)))] = word


def _splice(rng: Random, data: bytearray, seeds: Sequence[bytes]) -> None:
    other = rng.choice(seeds)
    at, begin = rng.randint(0, len(data)), rng.randint(0, len(other))
    data[at:] = other[begin:]


_ACTS: tuple[Act, ...] = (_flip, _set, _cut, _remove, _double, _absurd, _splice)
