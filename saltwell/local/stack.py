"""Every process of the pipeline on one machine."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saltwell.bus.health import STUCK_EXIT
from saltwell.errors import StopError
from saltwell.local import children

WORKERS: Mapping[str, tuple[str, ...]] = {
    "synchronize": ("process", "synchronize"),
    "downsample": ("process", "downsample"),
    "score": ("process", "score"),
    "judge": ("process", "judge"),
    "episodes": ("sink", "episodes"),
}

_READY_S = 90.0
_STOP_S = 15.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Worker:
    """A running process of the pipeline."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    ready: Path


def worker_command(name: str, *, bootstrap: str, store: str, instance: str, ready_file: Path) -> list[str]:
    """The command that runs a worker as a process."""
    command = [sys.executable, "-m", "saltwell.cli.main", *WORKERS[name], "--bootstrap", bootstrap]
    command += ["--instance", instance, "--ready-file", str(ready_file)]
    return [*command, "--store", store] if name == "episodes" else command


class Stack:
    """The workers: started together, watched, restarted one by one, stopped together."""

    def __init__(
        self, folder: Path, *, bootstrap: str, store: str, options: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """`options` are further words of the command line, by worker."""
        self._folder = folder
        self._options = options or {}
        self._bootstrap = bootstrap
        self._store = store
        self.workers: dict[str, Worker] = {}

    def start(self) -> None:
        """Start every worker and wait until all take part."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in WORKERS:
            self.start_worker(name)
        self.wait_ready()

    def start_worker(self, name: str) -> Worker:
        """Start one worker, or start it again."""
        log, ready = self._folder / f"{name}.log", self._folder / f"{name}.ready"
        ready.unlink(missing_ok=True)
        instance = f"local-{os.getpid()}"
        command = worker_command(
            name, bootstrap=self._bootstrap, store=self._store, instance=instance, ready_file=ready
        )
        command += self._options.get(name, ())
        worker = Worker(name, children.start(command, log=log), log, ready)
        self.workers[name] = worker
        return worker

    def wait_ready(self) -> None:
        """Wait until every worker takes part; StopError with its last word when one ends or does not come."""
        deadline = time.monotonic() + _READY_S
        while waiting := [w for w in self.workers.values() if not w.ready.exists()]:
            self.check()
            if time.monotonic() > deadline:
                raise StopError(f"{waiting[0].name} does not take part after {_READY_S:.0f} s (log: {waiting[0].log})")
            time.sleep(_POLL_S)

    def check(self) -> None:
        """StopError with the last word of a worker that ended; one that ended because it was stuck is started again."""
        for worker in [*self.workers.values()]:
            if worker.process.poll() == STUCK_EXIT:
                self.start_worker(worker.name)
            elif worker.process.poll() is not None:
                word = children.last_line(worker.log).removeprefix("saltwell: ")
                raise StopError(f"{worker.name} ended: {word} (log: {worker.log})")

    def metrics_port(self, name: str) -> int:
        """Port of a worker's /metrics and /healthz."""
        return int(self.workers[name].ready.read_text(encoding="utf-8").split()[1])

    def stop(self) -> None:
        """Ask all workers to stop, then wait for each."""
        for worker in self.workers.values():
            if worker.process.poll() is None:
                worker.process.terminate()
        for worker in self.workers.values():
            children.stop(worker.process, grace_s=_STOP_S)
