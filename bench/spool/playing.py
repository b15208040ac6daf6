"""A recording into an outbox, and a spool's log for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from producers.publisher import Outbox
from producers.replay.player import Part, play
from producers.spool.log import SpoolLog
from producers.spool.recovery import recover
from producers.spool.room import Room

MB = 1_000_000
_PART = Part("robot", "episode")
_ROOM = Room(cap_bytes=2**62, reserve_bytes=0, floor_bytes=1_000_000_000)


@contextmanager
def spool_log(folder: Path, observe: Callable[[float], None] = lambda _: None) -> Iterator[SpoolLog]:
    """A new spool; `observe` is told the seconds to disk of each record."""
    folder.mkdir()
    log = SpoolLog(folder, recover(folder), room=_ROOM, observe=observe)
    try:
        yield log
    finally:
        log.close()


def play_into(path: Path, outbox: Outbox, *, real_time: bool = False) -> None:
    """Play as one robot."""
    play(path, outbox, [_PART], site="local", task="", real_time=real_time, on_message=lambda: None)
