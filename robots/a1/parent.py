"""Is the process that started this one still there? Seen before it is gone: a killed process may wait long for its end.

On a busy computer a process that was sent SIGKILL must get its turn to die; 0.1 to 0.2 s of that were seen. Until then
it has its children, but the signal stands in its status as pending, and nothing can take that back.
"""

from __future__ import annotations

import os
import signal

EVERY = 4  # looks, of which one reads the status; it takes some 35 us, asking for the parent less than one
_KILLED = 1 << (signal.SIGKILL - 1)
_PENDING = (b"SigPnd:", b"ShdPnd:")


class Parent:
    """The process ``pid``, which should be the parent of this one."""

    def __init__(self, pid: int):
        """Look at it, where the system shows what it knows of a process."""
        self._pid = pid
        self._gone = False
        self._looks = 0
        try:
            self._status = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        except OSError:
            self._status = -1

    def gone(self) -> bool:
        """Whether it has ended, or must. Never waits, and once True it stays so."""
        if not self._gone:
            self._looks += 1
            self._gone = os.getppid() != self._pid or (self._looks % EVERY == 0 and self._is_killed())
        return self._gone

    def close(self) -> None:
        """Let go of its status. Idempotent."""
        if self._status >= 0:
            os.close(self._status)
            self._status = -1

    def _is_killed(self) -> bool:
        if self._status < 0:
            return False
        try:
            status = os.pread(self._status, 4096, 0)
        except OSError:  # it is no more
            return True
        return any(_bits(status, name) & _KILLED for name in _PENDING)


def _bits(status: bytes, name: bytes) -> int:
    """The mask after ``name``; 0 when it is not there."""
    _, found, rest = status.partition(name)
    return int(rest.split(None, 1)[0], 16) if found else 0
