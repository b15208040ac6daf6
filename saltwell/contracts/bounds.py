"""Bounds that every number, name and column of a record keeps: what checks are made of. Pure.

Each raises UndecodableRecord that names what is beyond.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, get_args
from urllib.parse import quote

from saltwell.contracts.columns import i64
from saltwell.contracts.identity import Decision, StreamKind
from saltwell.contracts.timeline import SeqRange
from saltwell.errors import SkipRecordError

MAX_FRAMES = 2**32
"""Frame numbers and steps are below: MCAP's sequence has 32 bits."""

MAX_NS = 2**62
"""Times are within so many ns of 1970 (year 2116), so that the sum of two fits into 64 bits."""

MAX_NAME_BYTES = 200
"""Longest name of a robot or episode, percent-quoted: it becomes part of a file's name."""

MAX_ITEMS = 4096
"""Most streams of an episode, joints of a robot, metrics of a frame."""

WORD = 8


class UndecodableRecord(SkipRecordError):
    """Bytes that are no record of ours."""


@lru_cache(maxsize=1024)
def can_name(name: str) -> bool:
    """Whether a robot or an episode can be called so: text, not empty, and short enough for a file's name."""
    try:
        return 0 < len(name) <= MAX_NAME_BYTES and len(quote(name, safe="")) <= MAX_NAME_BYTES
    except UnicodeEncodeError:  # half a surrogate pair: what a command line makes of bytes that are no text
        return False


def known_kind(kind: str) -> None:
    """A kind of stream that there is."""
    if kind not in get_args(StreamKind):
        raise UndecodableRecord(f"there is no kind of stream {ascii(kind)[:60]}")


def known_decision(decision: str) -> None:
    """A decision that there is."""
    if decision not in get_args(Decision):
        raise UndecodableRecord(f"there is no decision {ascii(decision)[:60]}")


def number(what: str, value: int, *, begin: int = 0, end: int) -> None:
    """A number from `begin` to before `end`."""
    if not begin <= value < end:
        raise UndecodableRecord(f"{what} is {value}; from {begin} to {end - 1} are taken")


def time(what: str, value_ns: int) -> None:
    """A time, or a distance of two, in ns."""
    number(what, value_ns, begin=-MAX_NS, end=MAX_NS)


def few(what: str, items: Sequence[Any]) -> None:
    """At most `MAX_ITEMS` of them."""
    if len(items) > MAX_ITEMS:
        raise UndecodableRecord(f"{len(items)} {what}; at most {MAX_ITEMS} are taken")


def columns(**packed: bytes) -> int:
    """How many numbers each column has: as many as the others, each within the bounds of what it is called."""
    sizes = {len(column) for column in packed.values()}
    if len(sizes) > 1 or any(size % WORD for size in sizes):
        raise UndecodableRecord(f"columns of {sorted(sizes)} bytes: {', '.join(packed)}")
    for what, column in packed.items():
        if column:
            _between(what, column)
    return min(sizes) // WORD


def _between(what: str, column: bytes) -> None:
    values = i64(column)
    least, most = int(values.min()), int(values.max())
    if what.startswith("seq"):
        fits = (0 if what == "seq" else -1) <= least and most < MAX_FRAMES
    else:
        fits = least >= -MAX_NS and most < MAX_NS
    if not fits:
        raise UndecodableRecord(f"{what} has numbers from {least} to {most}")


def wide(record: Any, n: int, **widths: int) -> None:
    """Columns of the record hold so many float64 for each of its n samples."""
    for what, width in widths.items():
        if len(getattr(record, what)) != WORD * width * n:
            raise UndecodableRecord(f"{what} has {len(getattr(record, what))} bytes for {n} samples of {width}")


def apart(ranges: Iterable[SeqRange], *, within: int) -> None:
    """Ranges of lost frames lie in the stream, each has frames, and none is in two."""
    ordered = sorted(ranges, key=lambda r: r.first)
    for r in ordered:
        if r.count < 1 or r.first < 0 or r.first + r.count > within:
            raise UndecodableRecord(f"{r.count} frames from {r.first} are said to be lost of {within}")
    for a, b in pairwise(ordered):
        if a.first + a.count > b.first:
            raise UndecodableRecord(f"frame {b.first} is said to be lost twice")
