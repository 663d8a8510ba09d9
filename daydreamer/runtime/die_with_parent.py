"""A supervised process that outlives its supervisor would be a robot that nobody can stop."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT = "DAYDREAMER_SUPERVISOR"  # environment variable: process id of the supervisor
_PR_SET_PDEATHSIG = 1
_LOOK_EVERY = 1.0  # s


def die_with_parent() -> None:
    """End this process (by SIGTERM, so that it closes down properly) when its supervisor is gone.

    Does nothing in a process that was not started by one. The signal may come several times, milliseconds apart: Linux
    sends it for each thread of the supervisor that the process is handed on to and that ends, too.
    """
    parent = int(os.environ.get(PARENT, "0"))
    if not parent:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it went before we could ask to be told
            os.kill(os.getpid(), signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def supervised() -> bool:
    """True in a process that a supervisor started."""
    return PARENT in os.environ


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_EVERY)
    os.kill(os.getpid(), signal.SIGTERM)
