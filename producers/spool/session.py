"""What commands do with a spool: record through it, or send one that was carried on a disk."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from producers.spool.listing import EpisodeSeen, survey
from producers.spool.outbox import SpoolOutbox
from producers.spool.room import Room
from producers.spool.sender import Sender
from producers.spool.spool import Spool, to_kafka
from saltwell.errors import SaltwellError, StopError

_logger = logging.getLogger(__name__)

_LOOK_S = 0.2
_TELL_EVERY_S = 10.0
_MB = 1_000_000

ENDLESS = Room(cap_bytes=2**62, reserve_bytes=0, floor_bytes=0)
"""For a spool that is only sent: its last words need little."""


@dataclass(frozen=True, slots=True)
class SentSpool:
    """What was sent of a spool."""

    folder: str
    bytes: int
    episodes: list[EpisodeSeen]


@contextmanager
def through_spool(folder: Path, *, room: Room, bootstrap: str | None) -> Iterator[SpoolOutbox]:
    """An outbox that records into a spool; at the end, wait until the broker has everything, unless there is none.

    An episode that is open when the block is left by an error is aborted with that as its reason.
    """
    with Spool(folder, room=room) as spool:
        sender = spool.send_to(to_kafka(bootstrap)) if bootstrap is not None else None
        try:
            yield spool.outbox()
        except BaseException as error:
            with suppress(StopError):  # the disk takes nothing: said before, and the next start ends it
                spool.abort(_reason(error))
            _tell_rest(folder, sender.unacknowledged_bytes if sender else spool.log.used_bytes)
            raise
        spool.log.close()
        if sender is None:
            _tell_rest(folder, spool.log.used_bytes)
        else:
            _drain(sender, folder)


def send_spool(folder: Path, *, bootstrap: str) -> SentSpool:
    """Send what is in a spool, end what was left open in it, and remove what was acknowledged."""
    with Spool(folder, room=ENDLESS) as spool:
        spool.log.close()
        seen = survey(folder)
        _drain(spool.send_to(to_kafka(bootstrap)), folder)
        return SentSpool(str(folder), seen.unacknowledged_bytes, seen.episodes)


def _drain(sender: Sender, folder: Path) -> None:
    """Wait until the broker has everything, as long as it takes."""
    told_s = time.monotonic()
    try:
        while not sender.wait(_LOOK_S):
            if time.monotonic() - told_s > _TELL_EVERY_S:
                told_s = time.monotonic()
                _logger.info("%s: %.0f MB to send", folder, sender.unacknowledged_bytes / _MB)
    except BaseException:
        _tell_rest(folder, sender.unacknowledged_bytes)
        raise


def _tell_rest(folder: Path, size: int) -> None:
    if size:
        _logger.warning("%.1f MB stay in %s; `saltwell replay %s` sends them", size / _MB, folder, folder)


def _reason(error: BaseException) -> str:
    if isinstance(error, SaltwellError):
        return str(error)
    return "the recorder was interrupted" if isinstance(error, KeyboardInterrupt) else f"the recorder failed: {error!r}"
