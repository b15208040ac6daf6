"""The folder of an embedded broker: held by one broker at a time, temporary unless it is named."""

import fcntl
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

from saltwell.errors import StopError

# The JVM of a killed process holds the folder until the kernel has taken it down.
_LOCK_S = 2.0
_POLL_S = 0.05


class BrokerFolder:
    """A locked folder. Who inherits `lock` holds it, too: until all have ended, however they end."""

    def __init__(self, kept: Path | None) -> None:
        """Take `kept`, or a temporary folder when it is None.

        Raises StopError when another broker holds it, or it can't be written.
        """
        self._kept = kept is not None
        self.path = (kept or Path(tempfile.mkdtemp(prefix="saltwell-kafka-"))).absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._file = (self.path / "lock").open("ab")
        except OSError as error:
            raise StopError(f"can't write the broker's folder {self.path}: {error}; choose another") from error
        try:
            self._wait_for_lock()
        except BaseException:
            self._file.close()
            raise

    @property
    def lock(self) -> int:
        """File descriptor of the lock."""
        return self._file.fileno()

    def release(self) -> None:
        """Let go of the folder; a temporary one is removed."""
        self._file.close()
        if not self._kept:
            shutil.rmtree(self.path, ignore_errors=True)

    def _wait_for_lock(self) -> None:
        deadline = time.monotonic() + _LOCK_S
        while not _lock_at_once(self._file):
            if time.monotonic() > deadline:
                raise StopError(f"{self.path} is in use by another broker; stop that one, or choose another folder")
            time.sleep(_POLL_S)


def _lock_at_once(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
