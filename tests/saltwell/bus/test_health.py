import subprocess
import sys

from saltwell.bus.health import STUCK_EXIT, Health

TIMEOUT_S = 30


def test_a_loop_that_goes_round_is_well() -> None:
    health = Health()
    assert health.ok()
    health.tick()
    assert health.ok()


def _run(body: str) -> subprocess.CompletedProcess[str]:
    script = f"""
import threading, time
from saltwell.bus.health import Health
health = Health()
health.end_when_stuck("score", look_every_s=0.02)
{body}
"""
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )


def test_a_process_whose_loop_is_stuck_ends_and_says_so() -> None:
    done = _run("threading.Event().wait()")
    assert done.returncode == STUCK_EXIT
    assert done.stderr == "saltwell: score was stuck; it ends, so that it can be started again\n"


def test_a_process_whose_loop_goes_round_lives() -> None:
    done = _run("for _ in range(100):\n    health.tick()\n    time.sleep(0.01)\nprint('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")
