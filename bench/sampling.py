"""CPU time and memory of processes while they run."""

import time
from dataclasses import dataclass

import psutil

_EVERY_S = 0.1


@dataclass(slots=True)
class Use:
    """What a process used since it was first looked at: CPU in s, peak resident memory in bytes."""

    cpu_s: float = 0.0
    peak_bytes: int = 0


class Sampler:
    """Looks at named processes ten times a second at most; a process that ended keeps what was seen last."""

    def __init__(self) -> None:
        self.uses: dict[str, Use] = {}
        self._processes: dict[str, psutil.Process] = {}
        self._before_s: dict[str, float] = {}
        self._next_s = 0.0

    def add(self, name: str, pid: int, *, since_start: bool = False) -> None:
        """Look at a process from now on; `since_start` counts what it used before, too."""
        process = psutil.Process(pid)
        self._processes[name] = process
        self._before_s[name] = 0.0 if since_start else _cpu_s(process)
        self.uses[name] = Use()

    def sample(self) -> None:
        """Look now, unless it was done a moment ago."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _EVERY_S
        for name, process in self._processes.items():
            try:
                cpu_s, resident = _cpu_s(process), process.memory_info().rss
            except psutil.Error:  # it ended
                continue
            use = self.uses[name]
            use.cpu_s = max(use.cpu_s, cpu_s - self._before_s[name])  # of a zombie 0 may be told
            use.peak_bytes = max(use.peak_bytes, resident)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
