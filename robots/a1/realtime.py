"""Ask the system not to make this process wait: real-time priority, memory that stays, few pauses for garbage."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
from typing import NamedTuple

_LOCK_PRESENT = 1  # MCL_CURRENT: later memory must not fail to come because it cannot be locked
_NICE = -10


class Granted(NamedTuple):
    """What the system granted."""

    realtime: bool
    locked: bool

    @property
    def missing(self) -> str:
        """What was refused and how to have it granted, for a person; empty when nothing was."""
        wanted = []
        if not self.realtime:
            wanted.append("real-time priority (an rtprio limit, or CAP_SYS_NICE)")
        if not self.locked:
            wanted.append("locked memory (an unlimited memlock limit, or CAP_IPC_LOCK)")
        return " and ".join(wanted)


def ask(priority: int) -> Granted:
    """Ask for SCHED_FIFO at ``priority`` (0: do not) and for memory that is never swapped out.

    Call it when everything is loaded. What exists by then is no longer looked through for garbage.
    """
    gc.collect()
    gc.freeze()
    return Granted(_fifo(priority), _lock_memory())


def _fifo(priority: int) -> bool:
    if not priority:
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        return True
    except (AttributeError, OSError):
        pass
    with contextlib.suppress(OSError):  # the next best, where a limit on nice values permits it
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    return False


def _lock_memory() -> bool:
    try:
        return bool(ctypes.CDLL(None).mlockall(_LOCK_PRESENT) == 0)
    except (AttributeError, OSError):
        return False
