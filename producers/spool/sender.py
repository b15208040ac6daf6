"""Sends a spool to the broker, and removes segments once everything in them is acknowledged.

The begin of an episode is acknowledged before its frames are sent, they before the ends of the streams, and these
before the end of the episode: as EpisodePublisher does it without a spool.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from producers.spool import cursor
from producers.spool.cursor import Position
from producers.spool.layout import segment_number, segments
from producers.spool.link import Link, LinkBroken
from producers.spool.log import SpoolLog
from producers.spool.walk import Step, Walk
from saltwell.contracts.codec import SchemaIds
from saltwell.contracts.schemas import record_name
from saltwell.contracts.timeline import EpisodeAborted, EpisodeDiscarded, EpisodeStarted, EpisodeStopped, StreamEnded
from saltwell.errors import SaltwellError, StopError
from saltwell.metrics import SPOOL_UNACKNOWLEDGED

_logger = logging.getLogger(__name__)

_POLL_S = 0.1
_SAVE_EVERY_S = 1.0
_STREAM_END = record_name(StreamEnded)
_EPISODE_START = record_name(EpisodeStarted)
_EPISODE_ENDS = frozenset(record_name(cls) for cls in (EpisodeStopped, EpisodeAborted, EpisodeDiscarded))

Connect = Callable[[], tuple[Link, SchemaIds]]
"""Gives a link and the ids to send under; raises SaltwellError while that can't be had."""


@dataclass(slots=True)
class _Sent:
    end: Position
    left: int = 0
    is_whole: bool = False


class _Stopped(Exception):
    """The sender is to stop."""


class Sender:
    """A thread that sends one spool until the log is closed and everything is acknowledged."""

    def __init__(self, folder: Path, log: SpoolLog, connect: Connect, *, pause_s: float = 1.0) -> None:
        """`pause_s` is waited before a broken link is made again."""
        self._folder = folder
        self._log = log
        self._connect = connect
        self._pause_s = pause_s
        self._acknowledged = cursor.load(folder)
        self._saved, self._saved_s = self._acknowledged, 0.0
        self._sent: deque[_Sent] = deque()
        self._outstanding = 0
        self._previous = ""
        self._told = ""
        self._stop = threading.Event()
        self._error: SaltwellError | None = None
        self._thread = threading.Thread(target=self._run, name="spool-sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until everything is acknowledged, once the log is closed; False when it is not yet.

        Raises StopError when the spool can't be sent.
        """
        self._thread.join(timeout_s)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Stop, whatever is left: it is sent the next time."""
        self._stop.set()
        self._thread.join()

    @property
    def unacknowledged_bytes(self) -> int:
        """What waits in the spool for the broker's word."""
        return unacknowledged_bytes(self._folder, self._acknowledged)

    def _run(self) -> None:
        try:
            while not self._session():
                pass
        except _Stopped:
            pass
        except SaltwellError as error:
            _logger.error("%s: not sent: %s", self._folder, error)  # noqa: TRY400 - the message says it all
            self._error = error
        except Exception as error:  # the recorder must hear of it, whatever it is
            _logger.exception("the spool's sender ended")
            self._error = StopError(f"{self._folder}: can't be sent: {error!r}; it is all there: start again")
        finally:
            self._save()

    def _session(self) -> bool:
        """Send with one link until all is acknowledged (True) or the link breaks (False)."""
        link, ids = self._connected()
        walk = Walk(self._folder, self._log, ids, self._acknowledged)
        self._sent.clear()
        self._outstanding, self._previous = 0, ""
        try:
            self._send_all(walk, link)
        except LinkBroken as error:
            self._tell(str(error))
            self._stop.wait(self._pause_s)
            return False
        else:
            return True
        finally:
            walk.close()
            link.close()

    def _connected(self) -> tuple[Link, SchemaIds]:
        """Wait for a broker that has our topics, as long as it takes."""
        while not self._stop.is_set():
            try:
                return self._connect()
            except SaltwellError as error:
                self._tell(f"{error}; records wait in the spool {self._folder}")
                self._stop.wait(self._pause_s)
        raise _Stopped

    def _tell(self, trouble: str) -> None:
        """Once, however often it is tried again."""
        if trouble != self._told:
            self._told = trouble
            _logger.warning("%s", trouble)

    def _send_all(self, walk: Walk, link: Link) -> None:
        while True:
            is_closed = self._log.is_closed  # asked first: what was put there last is seen then
            if (step := walk.next()) is not None:
                self._send(step, link)
            elif is_closed:
                self._await_acknowledged(link)
                return
            elif self._outstanding:
                self._turn(link, _POLL_S)
            else:
                self._turn(link, 0)
                self._log.wait_beyond(walk.position, _POLL_S)

    def _send(self, step: Step, link: Link) -> None:
        sent = _Sent(step.end)
        self._sent.append(sent)
        for record in step.records:
            if _must_wait(record.type, self._previous):
                self._await_acknowledged(link)
            self._previous = record.type
            if record.type in _EPISODE_ENDS:
                self._saved_s = 0.0  # kept at once: what is sent again behind the end of an episode is late
            sent.left += 1
            self._outstanding += 1
            while not link.produce(record.topic, record.robot, record.value, self._acknowledge(sent)):
                self._turn(link, _POLL_S)
        sent.is_whole = True
        self._turn(link, 0)

    def _acknowledge(self, sent: _Sent) -> Callable[[], None]:
        def acknowledged() -> None:
            sent.left -= 1
            self._outstanding -= 1

        return acknowledged

    def _await_acknowledged(self, link: Link) -> None:
        while self._outstanding:
            self._turn(link, _POLL_S)
        self._turn(link, 0)

    def _turn(self, link: Link, timeout_s: float) -> None:
        if self._stop.is_set():
            raise _Stopped
        link.poll(timeout_s)
        before = self._acknowledged
        while self._sent and self._sent[0].is_whole and not self._sent[0].left:
            self._acknowledged = self._sent.popleft().end
        if self._acknowledged > before:
            self._told = ""
        if self._acknowledged.segment > before.segment:
            self._remove_before(self._acknowledged.segment)
        if self._acknowledged != self._saved and time.monotonic() - self._saved_s > _SAVE_EVERY_S:
            self._save()

    def _remove_before(self, number: int) -> None:
        for path in segments(self._folder):
            if segment_number(path) < number:
                size = path.stat().st_size
                path.unlink()
                self._log.release(size)
        self._save()

    def _save(self) -> None:
        self._saved, self._saved_s = self._acknowledged, time.monotonic()
        SPOOL_UNACKNOWLEDGED.set(self.unacknowledged_bytes)
        with suppress(OSError):  # a full disk: an older cursor is as good
            cursor.save(self._folder, self._acknowledged)


def unacknowledged_bytes(folder: Path, acknowledged: Position) -> int:
    """Bytes of a spool behind a position."""
    sizes = {segment_number(path): path.stat().st_size for path in segments(folder)}
    whole = sum(size for number, size in sizes.items() if number > acknowledged.segment)
    return whole + max(sizes.get(acknowledged.segment, 0) - acknowledged.offset, 0)


def _must_wait(record_type: str, previous: str) -> bool:
    """Whether everything before a record is to be acknowledged before it is sent."""
    if record_type in _EPISODE_ENDS or previous == _EPISODE_START:
        return True
    return record_type == _STREAM_END and previous != _STREAM_END
