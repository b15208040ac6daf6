"""A file that holds disk space for the last words of an episode: it is given up when the disk is full."""

import os
from pathlib import Path

from producers.spool.layout import BALLAST

BALLAST_BYTES = 4 * 1024 * 1024


class Ballast:
    """The ballast of one spool."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / BALLAST

    def take(self) -> None:
        """Take the space, unless it is taken; OSError when there is none."""
        if self._path.exists():
            return
        try:
            with self._path.open("wb") as file:
                file.write(bytes(BALLAST_BYTES))
                os.fsync(file.fileno())
        except OSError:
            self.give_up()
            raise

    def give_up(self) -> None:
        """Give the space back to the disk."""
        self._path.unlink(missing_ok=True)
