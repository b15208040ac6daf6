"""Blocks of results that stand in the log twice. Pure.

A transaction whose end the broker forgot is done again (docs/decisions/021): what it gave may stand there already.
Blocks of one stream never share a step or a frame, and are cut in the same places again: the first one tells a block.
Frames need none of this: their readers drop a number that they have seen.
"""

from typing import Any

from saltwell.contracts.columns import i64
from saltwell.contracts.results import AlignmentBlock, ScoreBlock


class Repeats:
    """Which blocks were read, of the episodes that are open."""

    def __init__(self) -> None:
        self._read: dict[str, set[tuple[str, str, int]]] = {}

    def is_repeat(self, topic: str, record: Any) -> bool:
        """Whether this block was read before; it is noted as read."""
        match record:
            case AlignmentBlock():
                place = (topic, "", record.first_step)
            case ScoreBlock() if record.seq:
                place = (topic, record.stream, int(i64(record.seq)[0]))
            case _:
                return False
        read = self._read.setdefault(record.episode, set())
        if place in read:
            return True
        read.add(place)
        return False

    def close(self, episode: str) -> None:
        """The episode is over for the reader."""
        self._read.pop(episode, None)
