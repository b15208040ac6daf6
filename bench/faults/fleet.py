"""The pipeline's processes, watched: who ends is started again, who is stuck is killed, as Kubernetes would."""

import os
import signal
import threading
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from saltwell.errors import StopError
from saltwell.local import children
from saltwell.local.stack import WORKERS, worker_command

_WATCH_S = 0.05
_BACKOFF_S = 0.5
_READY_S = 120.0
_STOP_S = 15.0
# The liveness probe of deploy/helm/saltwell/templates/parts.yaml.
_PROBE_EVERY_S = 10.0
_PROBE_TIMEOUT_S = 5.0
_PROBE_FAILURES = 3

STUCK = "saltwell: stuck, and killed by its liveness probe"
"""Stands as the last word of such a process."""


@dataclass(frozen=True, slots=True)
class Exit:
    """A process that ended without being asked to: its last line says why."""

    worker: str
    at_s: float
    code: int
    word: str


@dataclass(slots=True)
class Member:
    """One worker process, and what is to become of it when it ends."""

    worker: str
    instance: str
    process: children.Child
    log: Path
    ready: Path
    wanted: bool = True
    due_s: float = 0.0
    killed: bool = False
    failed_probes: int = 0


@dataclass(slots=True)
class Fleet:
    """All workers, one of each from the beginning; more may come and go. Times are of `time.monotonic`."""

    folder: Path
    bootstrap: str
    store: str
    env: Mapping[str, str]
    exits: list[Exit] = field(default_factory=list)
    _members: dict[str, Member] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start one of each, and the watch over them; wait until all take part."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for worker in WORKERS:
            self.add(worker, "1")
        threading.Thread(target=self._watch, name="supervisor", daemon=True).start()
        threading.Thread(target=self._probe, name="liveness", daemon=True).start()
        self.wait_ready()

    def add(self, worker: str, instance: str) -> Member:
        """Start a worker; of those with the same instance, the newest counts."""
        name = f"{worker}-{instance}"
        log, ready = self.folder / f"{name}.log", self.folder / f"{name}.ready"
        with self._lock:
            member = Member(worker, instance, self._spawn(worker, instance, log, ready), log, ready)
            self._members[name] = member
        return member

    def member(self, worker: str, instance: str = "1") -> Member:
        """A worker's process as it is now."""
        return self._members[f"{worker}-{instance}"]

    def kill(self, member: Member, *, hold: bool = False) -> None:
        """SIGKILL; the supervisor starts it again, unless it is to be held back until `release`."""
        with self._lock:
            member.wanted, member.killed = not hold, True
            member.process.kill()

    def release(self, member: Member) -> None:
        """Start a worker that was held back."""
        with self._lock:
            member.process.wait()
            member.wanted = True

    def freeze(self, member: Member) -> None:
        """SIGSTOP: it is there and does nothing, and does not know."""
        member.process.send_signal(signal.SIGSTOP)

    def thaw(self, member: Member) -> None:
        """SIGCONT."""
        member.process.send_signal(signal.SIGCONT)

    def remove(self, member: Member, *, kill: bool = False) -> None:
        """End an additional worker for good."""
        with self._lock:
            member.wanted = False
            self._members.pop(f"{member.worker}-{member.instance}", None)
        if kill:
            member.process.kill()
        children.stop(member.process, grace_s=_STOP_S)

    def wait_ready(self, members: list[Member] | None = None) -> None:
        """Wait until these, or all, take part. Raises StopError when one does not."""
        deadline = time.monotonic() + _READY_S
        while late := [m for m in members or list(self._members.values()) if not m.ready.exists()]:
            if time.monotonic() > deadline:
                word = children.last_line(late[0].log)
                raise StopError(f"{late[0].worker} does not take part: {word} (log: {late[0].log})")
            time.sleep(_WATCH_S)

    def wait_exit(self, worker: str, word: str, *, since: int) -> None:
        """Wait until a worker ended by itself with these words; `since` is how many had ended before that count not."""
        deadline = time.monotonic() + _READY_S
        while not any(e.worker == worker and word in e.word for e in self.exits[since:]):
            if time.monotonic() > deadline:
                raise StopError(f"{worker} did not end with {word!r}")
            time.sleep(_WATCH_S)

    def stop(self) -> None:
        """End all of them."""
        self._over.set()
        with self._lock:
            for member in self._members.values():
                member.wanted = False
                if member.process.poll() is None:
                    member.process.send_signal(signal.SIGCONT)
                    member.process.terminate()
            for member in self._members.values():
                children.stop(member.process, grace_s=_STOP_S)

    def _watch(self) -> None:
        while not self._over.wait(_WATCH_S):
            with self._lock:
                for member in list(self._members.values()):
                    self._look_at(member)

    def _look_at(self, member: Member) -> None:
        if member.process.poll() is None or not member.wanted or self._over.is_set():
            return
        now_s = time.monotonic()
        if not member.due_s:
            member.due_s = now_s + (0.0 if member.killed else _BACKOFF_S)
            if not member.killed:
                word = children.last_line(member.log)
                self.exits.append(Exit(member.worker, now_s, member.process.returncode, word))
        if now_s >= member.due_s:
            member.due_s, member.killed = 0.0, False
            member.process = self._spawn(member.worker, member.instance, member.log, member.ready)

    def _probe(self) -> None:
        while not self._over.wait(_PROBE_EVERY_S):
            for member in list(self._members.values()):
                member.failed_probes = 0 if _is_live(member) else member.failed_probes + 1
                if member.failed_probes >= _PROBE_FAILURES:
                    member.failed_probes = 0
                    self.exits.append(Exit(member.worker, time.monotonic(), -signal.SIGKILL, STUCK))
                    self.kill(member)

    def _spawn(self, worker: str, instance: str, log: Path, ready: Path) -> children.Child:
        ready.unlink(missing_ok=True)
        command = worker_command(
            worker,
            bootstrap=self.bootstrap,
            store=self.store,
            instance=f"fleet-{os.getpid()}-{instance}",
            ready_file=ready,
        )
        return children.start(command, log=log, env=self.env)


def _is_live(member: Member) -> bool:
    """Whether a process that takes part says that it is well; one that starts is not asked."""
    try:
        port = member.ready.read_text(encoding="utf-8").split()[1]
    except (OSError, IndexError):
        return True
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=_PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False
