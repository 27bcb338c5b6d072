"""Run as a script: `python -I -S tether.py PARENT_PID PROGRAM ARG…` becomes PROGRAM, which gets SIGTERM when its parent dies.

A wrapper, since the kernel's parent-death signal can only be asked for by the child itself, and forking to run Python code
before exec is not safe in a process with threads. Where the kernel has no such signal, `child.py` watches instead.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            sys.exit(1)
    os.execv(program[0], program)  # noqa: S606 - exactly the program the supervisor names


if __name__ == "__main__":
    main()
