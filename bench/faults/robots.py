"""Robots: a producer process each, which plays a recording as one episode and is started again when it dies."""

import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from saltwell.errors import StopError
from saltwell.local import children

_POLL_S = 0.05
_STOP_S = 5.0
_AGAIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Take:
    """What a robot is to play, and under which names."""

    recording: Path
    robot: str
    episode: str


class Robot:
    """Plays one take until it was sent whole; a try that ends early is followed by another, under the same names."""

    def __init__(self, take: Take, *, bootstrap: str, env: Mapping[str, str], folder: Path) -> None:
        self.take = take
        self.tries = 0
        self._bootstrap = bootstrap
        self._env = env
        self._log = folder / f"{take.episode}.log"
        self._process = self._start("1")

    def kill(self) -> None:
        """SIGKILL in mid-episode."""
        self._process.kill()

    def freeze(self) -> None:
        """SIGSTOP: the robot falls silent."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    def send_again(self) -> None:
        """Send the same recording once more under the same names, flat out, beside whatever else goes on."""
        again = self._start("max")
        deadline = time.monotonic() + _AGAIN_S
        while (code := again.poll()) != 0:
            if code is not None or time.monotonic() > deadline:
                children.stop(again, grace_s=_STOP_S)
                raise StopError(f"sending again failed: {children.last_line(self._log)} (log: {self._log})")
            time.sleep(_POLL_S)

    def wait(self, *, within_s: float) -> None:
        """Wait until the take was sent whole. Raises StopError when it was not, in time."""
        deadline = time.monotonic() + within_s
        while (code := self._process.poll()) != 0:
            if time.monotonic() > deadline:
                self.stop()
                raise StopError(f"{self.take.episode} was not sent: {children.last_line(self._log)} (log: {self._log})")
            if code is not None:
                self._process = self._start("1")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End the process, wherever it is."""
        children.stop(self._process, grace_s=_STOP_S)

    def _start(self, speed: str) -> children.Child:
        take = self.take
        self.tries += 1
        command = [sys.executable, "-m", "saltwell.cli.main", "replay", str(take.recording), "--robot", take.robot]
        command += ["--episode", take.episode, "--speed", speed, "--bootstrap", self._bootstrap, "--json"]
        return children.start(command, log=self._log, env=self._env)
