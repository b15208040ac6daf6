"""Robots: a producer process each, which plays a recording as one episode and is started again when it dies."""

import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from saltwell.errors import StopError
from saltwell.local import children

SPOOL_CAP_GB = 100.0

_POLL_S = 0.05
_STOP_S = 5.0
_AGAIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Take:
    """What a robot is to play, and under which names; with a `spool`, it is recorded there first."""

    recording: Path
    robot: str
    episode: str
    spool: Path | None = None
    spool_cap_gb: float = SPOOL_CAP_GB


class Robot:
    """Plays one take until it was sent whole; a try that ends early is followed by another.

    Without a spool that is the same once more, under the same names. With one it sends what is in the spool: a robot
    does not do again what it did.
    """

    def __init__(self, take: Take, *, bootstrap: str, env: Mapping[str, str], folder: Path) -> None:
        self.take = take
        self.log = folder / f"{take.episode}.log"
        self._bootstrap = bootstrap
        self._env = env
        self._process = self._start(self._playing("1"))

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
        """Send the same recording once more under the same names, flat out, beside whatever else goes on.

        Raises StopError when that does not succeed, however often it is tried.
        """
        again = self._start(self._playing("max"))
        deadline = time.monotonic() + _AGAIN_S
        while (code := again.poll()) != 0:
            if time.monotonic() > deadline:
                children.stop(again, grace_s=_STOP_S)
                raise StopError(f"sending again failed: {children.last_line(self.log)} (log: {self.log})")
            if code is not None:
                again = self._start(self._playing("max"))
            time.sleep(_POLL_S)

    def wait(self, *, within_s: float) -> None:
        """Wait until the take was sent whole. Raises StopError when it was not, in time."""
        deadline = time.monotonic() + within_s
        while not self.tend():
            if time.monotonic() > deadline:
                self.stop()
                raise StopError(f"{self.take.episode} was not sent: {children.last_line(self.log)} (log: {self.log})")
            time.sleep(_POLL_S)

    def tend(self) -> bool:
        """Whether everything was sent; begin another try when one ended early."""
        if self._process.poll():
            spool = self.take.spool
            self._process = self._start(self._playing("1") if spool is None else ["replay", str(spool)])
        return self._process.returncode == 0

    def stop(self) -> None:
        """End the process, wherever it is."""
        children.stop(self._process, grace_s=_STOP_S)

    def _playing(self, speed: str) -> list[str]:
        take = self.take
        arguments = ["replay", str(take.recording), "--robot", take.robot, "--episode", take.episode, "--speed", speed]
        if take.spool is None:
            return arguments
        return [*arguments, "--spool", str(take.spool), "--spool-cap-gb", str(take.spool_cap_gb)]

    def _start(self, arguments: list[str]) -> children.Child:
        command = [sys.executable, "-m", "saltwell.cli.main", *arguments, "--bootstrap", self._bootstrap]
        return children.start(command, log=self.log, env=self._env)
