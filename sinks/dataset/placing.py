"""Brings what was made into a dataset, one object at a time, so that a further call can mend a crash here."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from sinks.copies import bring
from sinks.dataset.lerobot import CHUNK, INFO, STATE
from sinks.dataset.published import Published
from sinks.store import Store

_NUMBERED = re.compile(r".*/chunk-(\d+)/file-(\d+)\.\w+")
_OF_CALLS = "meta/episodes"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the dataset: `source` is a file of this machine, or an object of the episodes' store by its key."""

    key: str
    source: Path | str


def begin_anew(target: Store) -> None:
    """Empty a dataset, but for a state that says so: a call after a crash knows it as ours, and begins anew."""
    target.put(STATE, Published(0, "", {}).encode())
    target.remove(INFO)  # first: a reader finds no dataset rather than half of one
    for folder in ("data", "videos", "sidecars", _OF_CALLS):
        _remove(target, target.list(folder), 0)


def sweep(target: Store, *, folders: Iterable[str], episodes: int, meta_files: int) -> None:
    """Remove what an interrupted call left: files with numbers from these on, which the state does not know.

    `folders` hold a file an episode. Only the chunks from these numbers on are listed, so this costs the same for any
    size.
    """
    for folder in folders:
        _remove(target, _from_chunk(target, folder, episodes // CHUNK), episodes)
    _remove(target, _from_chunk(target, _OF_CALLS, meta_files // CHUNK), meta_files)


def bring_in(parts: Sequence[Part], store: Store, target: Store) -> None:
    """Put all parts in their places, in their order."""
    for part in parts:
        if isinstance(part.source, Path):
            with part.source.open("rb") as file:
                target.put_file(part.key, file)
        else:
            bring(store, part.source, target, part.key)


def _from_chunk(target: Store, folder: str, first: int) -> Iterator[str]:
    for chunk in count(first):
        keys = [*target.list(f"{folder}/chunk-{chunk:03d}")]
        yield from keys
        if not keys:
            return


def _remove(target: Store, keys: Iterable[str], first: int) -> None:
    """The highest numbers first: what is left after a kill has no gap that would hide it from the next call."""
    numbered = ((key, _NUMBERED.fullmatch(key)) for key in keys)
    found = [(int(match[1]) * CHUNK + int(match[2]), key) for key, match in numbered if match]
    for _, key in sorted((one for one in found if one[0] >= first), reverse=True):
        target.remove(key)
