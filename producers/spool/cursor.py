"""How far the broker has acknowledged a spool: kept so that a restart sends little again, never needed for safety."""

import json
from pathlib import Path
from typing import NamedTuple

from producers.spool.layout import CURSOR


class Position(NamedTuple):
    """A place in a spool: segment, and byte in it, at the begin of a record."""

    segment: int
    offset: int


START = Position(0, 0)


def load(folder: Path) -> Position:
    """The last position kept; the start when there is none, or it can't be read."""
    try:
        segment, offset = json.loads((folder / CURSOR).read_text(encoding="utf-8"))
        return Position(int(segment), int(offset))
    except (OSError, ValueError, TypeError):
        return START


def save(folder: Path, position: Position) -> None:
    """Keep a position, whole or not at all. Not forced to disk: an older one is as good."""
    draft = folder / f"{CURSOR}.draft"
    draft.write_text(json.dumps(position), encoding="utf-8")
    draft.replace(folder / CURSOR)
