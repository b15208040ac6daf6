"""The spool's log: a thread puts records on disk in chunks, and keeps the account of the open episodes.

A chunk is closed when it is 8 MiB, or a quarter of the bound on the time to durable after its first record: the rest is
for the disk, which may still have the chunk before. Everything that touches the files of the log is done by the one
thread; the caller waits only when the disk is slower than the sensors.
"""

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from producers.spool.account_text import accounts_to_text
from producers.spool.ballast import Ballast
from producers.spool.chunk import EncodedChunk, Entry, encode_chunk
from producers.spool.cursor import START, Position
from producers.spool.ending import endings
from producers.spool.entries import entry_of
from producers.spool.facts import Fact, Identity, identity_of_fact
from producers.spool.recovery import Recovered
from producers.spool.room import Room, SpoolFull
from producers.spool.series import Series
from saltwell.contracts.timeline import EpisodeStarted
from saltwell.errors import SaltwellError, StopError
from saltwell.metrics import SPOOL_ABORTED, SPOOL_REFUSED, TIME_TO_DURABLE

_logger = logging.getLogger(__name__)

SEGMENT_BYTES = 128_000_000
CHUNK_BYTES = 8 * 1024 * 1024
MAX_PENDING_BYTES = 64 * 1024 * 1024
"""What may wait for the disk in memory; then the caller waits."""

DURABLE_MS = 200
_CLOSE_SHARE = 4


@dataclass(frozen=True, slots=True)
class _Appended:
    entry: Entry
    fact: Fact
    at_s: float


class SpoolLog:
    """The writing side of a spool. Not for several threads, except what is said to be for the sender."""

    def __init__(
        self,
        folder: Path,
        recovered: Recovered,
        *,
        room: Room,
        durable_ms: int = DURABLE_MS,
        segment_bytes: int = SEGMENT_BYTES,
        observe: Callable[[float], None] = TIME_TO_DURABLE.observe,
    ) -> None:
        """`observe` is told, for each record, the seconds until it was durable."""
        self._folder = folder
        self._room = room
        self._close_after_s = durable_ms / 1000 / _CLOSE_SHARE
        self._observe = observe
        self._ballast = Ballast(folder)
        self._accounts = recovered.accounts
        self._series = Series(
            folder,
            first_number=recovered.next_number,
            segment_bytes=segment_bytes,
            state=lambda: accounts_to_text(self._accounts),
        )
        self._changed = threading.Condition()
        self._pending: deque[_Appended] = deque()
        self._pending_bytes = 0
        self._appended = self._settled = self._flush_to = 0
        self._end_reason: str | None = None
        self._closing = False
        self._durable = START
        self._failure: SaltwellError | None = None
        self._aborted: dict[Identity, SaltwellError] = {}
        self._broken: StopError | None = None
        self._thread = threading.Thread(target=self._run, name="spool-log", daemon=True)
        self._thread.start()

    def append(self, entry: Entry, fact: Fact) -> None:
        """Take a record; it is durable within the bound.

        Raises SpoolFull when there is no room for a new episode, and again for every record of an episode that was
        aborted because the room was used up; StopError when the disk takes nothing at all.
        """
        if isinstance(fact, EpisodeStarted):
            self._admit(fact)
        with self._changed:
            self._changed.wait_for(lambda: self._pending_bytes < MAX_PENDING_BYTES or self._broken)
            self._raise_for(identity_of_fact(fact))
            self._pending.append(_Appended(entry, fact, time.monotonic()))
            self._pending_bytes += entry.size
            self._appended += 1
            if len(self._pending) == 1 or self._pending_bytes >= CHUNK_BYTES:
                self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything taken is durable; raises what `append` would when some of it will not be."""
        with self._changed:
            self._flush_to = self._appended
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._settled >= self._flush_to or self._broken)
            if error := self._broken or self._failure:
                raise error

    def end_open(self, reason: str) -> None:
        """End the episodes that are open, as aborted for a reason, and wait until that is durable."""
        with self._changed:
            self._end_reason = reason
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._end_reason is None or self._broken)
            if self._broken:
                raise self._broken

    def close(self) -> None:
        """Put everything on disk and close the segment. Episodes that are open stay so until the next start."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()

    @property
    def used_bytes(self) -> int:
        """Bytes of all segments."""
        return self._series.used_bytes

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes; for the sender."""
        return not self._thread.is_alive()

    def wait_beyond(self, position: Position, timeout_s: float) -> None:
        """Wait until more than `position` is durable, or the log is closed; for the sender."""
        with self._changed:
            self._changed.wait_for(lambda: self._durable > position or self._closing, timeout_s)

    def limit_of(self, number: int) -> int | None:
        """Up to which byte a segment can be read; None = it is closed, and can be read to its end; for the sender."""
        with self._changed:
            durable = self._durable
        if number < max(durable.segment, self._series.first_number) or self.is_closed:
            return None
        return durable.offset if number == durable.segment else 0

    def release(self, size: int) -> None:
        """A segment of this size is gone; for the sender."""
        self._series.release(size)

    def _admit(self, started: EpisodeStarted) -> None:
        try:
            self._room.admit(used_bytes=self.used_bytes, free_bytes=shutil.disk_usage(self._folder).free)
            self._ballast.take()
        except (OSError, SpoolFull) as error:
            SPOOL_REFUSED.inc()
            raise _full(error, f"episode {started.episode} is refused") from error
        with self._changed:
            self._failure = None

    def _raise_for(self, identity: Identity) -> None:
        if self._broken:
            raise self._broken
        if error := self._aborted.get(identity):
            raise error

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except Exception as error:  # the recorder must hear of it, whatever it is
            _logger.exception("the spool's log ended")
            self._break(error)

    def _turn(self) -> bool:
        """Put one batch on disk, or do what is to be done after the last one; False = closed."""
        with self._changed:
            batch = self._next_batch()
            reason = self._end_reason
        if batch:
            self._keep(batch)
        elif reason is not None:
            self._write_endings(reason)
            with self._changed:
                self._end_reason = None
                self._changed.notify_all()
        else:
            self._series.close()
            self._ballast.give_up()
            return False
        return True

    def _next_batch(self) -> list[_Appended]:
        """Wait for a batch; empty when there is nothing to write and something else to do."""
        while not self._is_due():
            age_s = time.monotonic() - self._pending[0].at_s if self._pending else 0.0
            self._changed.wait(max(self._close_after_s - age_s, 0.0) if self._pending else None)
        batch: list[_Appended] = []
        size = 0
        while self._pending and size < CHUNK_BYTES:
            batch.append(self._pending.popleft())
            size += batch[-1].entry.size
        return batch

    def _is_due(self) -> bool:
        if self._closing or self._end_reason is not None:
            return True
        return bool(self._pending) and (
            self._pending_bytes >= CHUNK_BYTES
            or self._flush_to > self._settled
            or time.monotonic() - self._pending[0].at_s >= self._close_after_s
        )

    def _keep(self, batch: Sequence[_Appended]) -> None:
        chunk = encode_chunk([item.entry for item in batch])
        try:
            free_bytes = shutil.disk_usage(self._folder).free
            self._room.go_on(used_bytes=self._series.used_bytes + len(chunk.data), free_bytes=free_bytes)
            self._write(chunk)
        except (OSError, SpoolFull) as error:
            self._abort(batch, error)
            return
        now_s = time.monotonic()
        for item in batch:
            self._accounts.apply(item.fact)
            self._observe(now_s - item.at_s)
        self._settle(batch)

    def _write(self, chunk: EncodedChunk) -> None:
        position = self._series.write(chunk)
        with self._changed:
            self._durable = position
            self._changed.notify_all()

    def _abort(self, batch: Iterable[_Appended], error: OSError | SpoolFull) -> None:
        """The disk takes no more: end what is open with what there is, and say so to whoever goes on recording it."""
        self._series.close()
        failure = _full(error, "the episode is aborted")
        with self._changed:
            lost = [*batch, *self._pending]
            self._pending.clear()
            aborted = {*self._accounts.episodes, *(identity_of_fact(item.fact) for item in lost)}
            self._aborted |= dict.fromkeys(aborted, failure)
            self._failure = failure
        _logger.error("%s: %s", ", ".join(sorted(episode for *_, episode in aborted)), failure)
        for item in lost:
            self._accounts.lose(item.fact)
        try:
            self._write_endings(str(failure))
        except OSError as last:
            self._break(last)
        self._settle(lost)

    def _write_endings(self, reason: str) -> None:
        self._ballast.give_up()
        for episode in list(self._accounts.episodes.values()):
            made = [entry_of(topic, record, now_ns=episode.through_ns) for topic, record in endings(episode, reason)]
            self._write(encode_chunk([entry for entry, _ in made]))
            SPOOL_ABORTED.inc()
            for _, fact in made:
                self._accounts.apply(fact)

    def _settle(self, batch: Sequence[_Appended]) -> None:
        with self._changed:
            self._settled += len(batch)
            self._pending_bytes -= sum(item.entry.size for item in batch)
            self._changed.notify_all()

    def _break(self, error: Exception) -> None:
        with self._changed:
            self._broken = StopError(f"{self._folder}: the spool can't be written: {error}; free or change the disk")
            self._changed.notify_all()


def _full(error: OSError | SpoolFull, consequence: str) -> SpoolFull:
    if isinstance(error, SpoolFull):
        return error
    return SpoolFull(f"the spool's disk refuses: {error.strerror}; {consequence}: free or change the disk")
