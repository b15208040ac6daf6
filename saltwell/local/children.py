"""Child processes that never outlive us, whatever kills us."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Ask Linux to kill us when the thread that started us ends; called in the child, before exec."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, die_with_parent: bool = True
) -> subprocess.Popen[bytes]:
    """Start a program with its output in `log`, in a session of its own: Ctrl-C reaches only us.

    Call it from the main thread: on Linux the child is killed when the calling thread ends. Elsewhere a child
    outlives a parent that is killed with SIGKILL.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent if die_with_parent else None,  # noqa: PLW1509 - calls one C function only
        )


def stop(process: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """SIGTERM, and SIGKILL when that did not help in time."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line), "")
