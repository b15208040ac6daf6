"""Child processes that never outlive this one.

- A child dies with this process, however it ends: on Linux the kernel kills the child (SIGKILL) when this process
  dies, also by SIGKILL. Elsewhere there is no such signal: there a child outlives a *killed* parent.
- A child has its own session: Ctrl-C in a terminal reaches this process only, which stops its children in order.
- The tie holds for the child itself. What the child starts must be tied in turn, with the same `start`.
"""

import functools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from saltwell.errors import StopError

Child = subprocess.Popen[bytes]
_Order = tuple[Future[Child], Callable[[], Child]]

_TETHER = Path(__file__).with_name("tether.py")
_TAIL_BYTES = 65_536


def start(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    keep_open: Collection[int] = (),
) -> Child:
    """Start a program that dies with this process.

    Its standard output and error are appended to `log`; it has no standard input. `env` is added to the environment
    of this process; `keep_open` are file descriptors that the child inherits. May be called from any thread.

    Raises StopError when there is no such program or the log can't be written.
    """
    program = shutil.which(command[0])
    if program is None:
        raise StopError(f"can't start {command[0]}: no such program")
    # -I -S: the tether needs nothing but the standard library, so it is up in 15 ms.
    tied = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), program, *command[1:]]
    try:
        with log.open("ab") as output:
            return _in_undying_thread(
                lambda: subprocess.Popen(
                    tied,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                    pass_fds=tuple(keep_open),
                    start_new_session=True,
                )
            )
    except OSError as error:
        raise StopError(f"can't start {command[0]} with its output in {log}: {error}") from error


def stop(process: Child, *, grace_s: float) -> int:
    """Ask a child to end (SIGTERM); kill its whole group after `grace_s` seconds. Returns its exit code.

    The code is negative when a signal ended it: -9 means that it had to be killed. A child that has ended
    already is left alone.
    """
    process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def last_line(log: Path) -> str:
    """Give the last line of a log that is not blank, or "" when there is none. Reads its last 64 KiB at most."""
    return next((line for line in reversed(last_lines(log)) if line), "")


def last_lines(log: Path) -> list[str]:
    """Give the lines in the last 64 KiB of a log, stripped; none when there is no such file."""
    if not log.exists():
        return []
    with log.open("rb") as lines:
        lines.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return [line.strip() for line in lines.read(_TAIL_BYTES).decode(errors="replace").splitlines()]


def _in_undying_thread(spawn: Callable[[], Child]) -> Child:
    """Run `spawn` in the one thread that lives as long as this process.

    The kernel sends the death signal when the *thread* that forked ends (man 2const PR_SET_PDEATHSIG): a child
    started from a short-lived thread would be killed with it.
    """
    future: Future[Child] = Future()
    _orders(os.getpid()).put((future, spawn))
    return future.result()


@functools.cache
def _orders(_pid: int) -> SimpleQueue[_Order]:
    """Give the queue of this process's spawning thread; a forked copy of this process gets its own."""
    orders: SimpleQueue[_Order] = SimpleQueue()
    Thread(target=_spawn_forever, args=(orders,), name="saltwell-spawner", daemon=True).start()
    return orders


def _spawn_forever(orders: SimpleQueue[_Order]) -> None:
    while True:
        future, spawn = orders.get()
        try:
            future.set_result(spawn())
        except OSError as error:
            future.set_exception(error)
