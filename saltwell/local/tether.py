"""Ties the process it becomes to the life of its parent: `tether.py PARENT_PID PROGRAM ARGUMENT...`.

Run as a script by `saltwell.local.children`, never imported. It is a program of its own because the alternative,
`preexec_fn`, runs Python between fork and exec, where a lock that another thread held is held for ever.
The kernel keeps the death signal across exec, and a plain exec keeps the process id.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for SIGKILL at the parent's death, then become the program."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit("can't tie this process to its parent: prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the parent died before this process was tied to it")
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.exit(f"can't start {command[0]}: {error}")


main()
