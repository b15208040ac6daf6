"""Whether the loop of a process still goes round, and what to do when it never does again."""

import os
import sys
import threading
import time

STUCK_EXIT = 70
"""Exit status of a process whose loop was stuck."""

_STALE_TICK_S = 30.0
_LOOK_EVERY_S = 5.0
_STUCK_AFTER_LOOKS = 12


class Health:
    """Told by the loop that it went round; asked by the liveness probe."""

    def __init__(self) -> None:
        self._ticked_s = time.monotonic()
        self._ticks = 0

    def tick(self) -> None:
        """The loop went round."""
        self._ticked_s = time.monotonic()
        self._ticks += 1

    def ok(self) -> bool:
        """Whether the loop went round lately; a stuck process fails its liveness probe."""
        return time.monotonic() - self._ticked_s < _STALE_TICK_S

    def end_when_stuck(self, part: str, *, look_every_s: float = _LOOK_EVERY_S) -> None:
        """From now on, end the process when the loop has not gone round for twelve looks in a row: a minute.

        A call into the Kafka client may never come back (librdkafka#5456: the time limit of committing offsets in a
        transaction is not kept). Such a process stays a member of its group, and nobody takes its shards over. Looks
        are counted, not seconds: a process that was itself stopped for an hour must get its chance when it goes on.
        """
        threading.Thread(target=self._watch, args=(part, look_every_s), daemon=True, name="watchdog").start()

    def _watch(self, part: str, look_every_s: float) -> None:
        seen, looks = self._ticks, 0
        while looks < _STUCK_AFTER_LOOKS:
            time.sleep(look_every_s)
            seen, looks = (seen, looks + 1) if self._ticks == seen else (self._ticks, 0)
        print(f"saltwell: {part} was stuck; it ends, so that it can be started again", file=sys.stderr, flush=True)  # noqa: T201
        os._exit(STUCK_EXIT)  # nothing else ends a thread that is stuck in a call
