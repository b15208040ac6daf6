"""Brings what was built into a dataset's folder: by renaming only, and so that a further call can mend a crash here."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from sinks.dataset.lerobot import CHUNK, STATE
from sinks.dataset.published import Published

_NUMBERED = re.compile(r".*/chunk-(\d+)/file-(\d+)\.\w+")
_OF_EPISODES = ("data/*/*", "videos/*/*/*", "sidecars/*/*/*")
_OF_CALLS = ("meta/episodes/*/*",)


def begin_anew(root: Path, scratch: Path) -> None:
    """Empty a dataset, but for a state that says so: a call after a crash knows the folder as ours, and begins anew."""
    _move(_written(scratch / STATE, Published(0, "", {}).encode()), root / STATE)
    (root / "meta/info.json").unlink(missing_ok=True)  # first: a reader finds no dataset rather than half of one
    sweep(root, episodes=0, meta_files=0)


def sweep(root: Path, *, episodes: int, meta_files: int) -> None:
    """Remove what an interrupted call left: files with numbers from these on, which the state does not know."""
    for patterns, known in ((_OF_EPISODES, episodes), (_OF_CALLS, meta_files)):
        for path, number in _numbered(root, patterns):
            if number >= known:
                path.unlink()


def bring_in(built: Path, root: Path) -> None:
    """Move all files of `built` to the same places in `root`; both lie on one file system."""
    for path in sorted(path for path in built.rglob("*") if path.is_file()):
        _move(path, root / path.relative_to(built))
    shutil.rmtree(built, ignore_errors=True)


def _numbered(root: Path, patterns: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    for path in [path for pattern in patterns for path in root.glob(pattern)]:
        if match := _NUMBERED.fullmatch(path.as_posix()):
            yield path, int(match[1]) * CHUNK + int(match[2])


def _written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)
