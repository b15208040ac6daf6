"""Hands each verdict to everyone who watches; the latest ones to whoever comes later."""

import queue
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from saltwell.contracts.results import Verdict

LATEST = 50
MAX_WATCHERS = 200
_WAITING = 100


class Board:
    """Used by the reader of the log and by one thread for each watcher."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: deque[Verdict] = deque(maxlen=LATEST)
        self._watchers: set[queue.Queue[Verdict]] = set()

    def post(self, verdict: Verdict) -> None:
        """Hand a verdict on. A watcher that has not taken a hundred of them has gone to sleep, and is let go."""
        with self._lock:
            self._latest.append(verdict)
            for watcher in [*self._watchers]:
                try:
                    watcher.put_nowait(verdict)
                except queue.Full:
                    self._watchers.discard(watcher)

    @contextmanager
    def watch(self) -> Iterator["queue.Queue[Verdict] | None"]:
        """The verdicts from now on, behind the latest ones; None when too many watch already."""
        watcher: queue.Queue[Verdict] = queue.Queue(_WAITING)
        with self._lock:
            full = len(self._watchers) >= MAX_WATCHERS
            if not full:
                for verdict in self._latest:
                    watcher.put_nowait(verdict)
                self._watchers.add(watcher)
        try:
            yield None if full else watcher
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def watches(self, watcher: "queue.Queue[Verdict]") -> bool:
        """Whether verdicts are still put here."""
        with self._lock:
            return watcher in self._watchers
