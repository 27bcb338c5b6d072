"""What a child process does at its start and when it is ready; the other side is `processes.py`."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import threading
import time

from sallyport.settings import Settings

READY_FD = "SALLYPORT_READY_FD"
PARENT_PID = "SALLYPORT_PARENT_PID"
_PARENT_CHECK_SECONDS = 1.0
_PR_SET_DUMPABLE = 4  # linux/prctl.h


def read_settings() -> Settings:
    """The settings, which the supervisor writes to our stdin as one JSON object. Also ties our life to the supervisor's, and
    keeps our memory to ourselves.

    Raises pydantic.ValidationError when they are not valid.
    """
    keep_memory_private()
    settings = Settings.model_validate_json(sys.stdin.buffer.read())
    parent = os.environ.get(PARENT_PID)
    if parent is not None and sys.platform != "linux":  # on Linux the kernel tells us, see tether.py
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    return settings


def keep_memory_private() -> None:
    """No core dump of this process, and on Linux no look into its memory and environment by the user's other processes.

    Prompts and keys are in there; of the agents that a gateway serves, some may run as the same user.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def report_ready() -> None:
    """Tell the supervisor, if there is one, that this process serves now. Call it once."""
    number = os.environ.pop(READY_FD, None)
    if number is not None:
        with os.fdopen(int(number), "wb") as pipe:
            pipe.write(b"ready\n")


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
