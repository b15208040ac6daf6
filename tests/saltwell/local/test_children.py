"""Children end with their parent, and only when they should."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psutil
import pytest

from saltwell.errors import StopError
from saltwell.local import children

DEADLINE_S = 150

PARENT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
import sys, time
from pathlib import Path
from saltwell.local import children
child = children.start(["sleep", "600"], log=Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(600)
"""

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_child_ends_with_its_parent_however_that_ends(how: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: psutil.Process(child).name() == "sleep", "the program to run")
        parent.send_signal(how)
    wait_until(lambda: is_gone(child), "the child to end")


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    started: list[children.Child] = []
    thread = Thread(target=lambda: started.append(children.start(["sleep", "600"], log=tmp_path / "log")))
    thread.start()
    thread.join()
    with pytest.raises(subprocess.TimeoutExpired):
        started[0].wait(0.3)
    assert children.stop(started[0], grace_s=5) == -signal.SIGTERM


def test_a_key_pressed_in_the_terminal_does_not_reach_a_child(tmp_path: Path) -> None:
    child = children.start(["sleep", "600"], log=tmp_path / "log")
    wait_until(lambda: os.getsid(child.pid) == child.pid, "the child's own session")
    assert os.getpgid(child.pid) != os.getpgid(0)
    children.stop(child, grace_s=5)


def test_a_child_that_will_not_stop_is_killed_with_its_group(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f"sleep 600 & echo $! > {tmp_path / 'pid'}; exec {sys.executable} -c '{STUBBORN}'"
    child = children.start(["sh", "-c", script], log=log)
    wait_until(lambda: children.last_line(log) == "ready", "the child to ignore SIGTERM")
    assert children.stop(child, grace_s=0.1) == -signal.SIGKILL
    wait_until(lambda: is_gone(int((tmp_path / "pid").read_text())), "its own child to end")


def test_stopping_what_has_ended_gives_its_exit_code(tmp_path: Path) -> None:
    child = children.start(["sh", "-c", "exit 3"], log=tmp_path / "log")
    child.wait(DEADLINE_S)
    assert children.stop(child, grace_s=1) == 3


def test_output_goes_to_the_log_and_the_environment_is_added_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = children.start(
        ["sh", "-c", "echo $GREETING from $HOME; echo worse >&2"], log=log, env={"GREETING": "hello"}
    )
    assert child.wait(DEADLINE_S) == 0
    assert children.last_lines(log) == [f"hello from {os.environ['HOME']}", "worse"]


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="no-such-program"):
        children.start(["no-such-program"], log=tmp_path / "log")


def test_an_unwritable_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(StopError, match="absent"):
        children.start(["sleep", "1"], log=tmp_path / "absent" / "log")


def test_the_last_line_of_a_long_log_is_found_without_reading_it_all(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("x" * 10_000_000 + "\nthe end\n\n")
    assert children.last_line(log) == "the end"
    assert len("".join(children.last_lines(log))) < 100_000
    assert children.last_line(tmp_path / "none") == ""
