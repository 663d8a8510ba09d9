"""A bell that any thread rings to end another thread's poll."""

from __future__ import annotations

import contextlib
import socket
import threading


class Wake:
    """A file descriptor that is readable once ``ring`` was called, until ``clear``. Ringing twice is once."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        self._lock = threading.Lock()
        self._rung = False
        self._closed = False

    def fileno(self) -> int:
        """What to poll for reading."""
        return self._receiver.fileno()

    def ring(self) -> None:
        """Wake whoever polls. Any thread; a few microseconds."""
        with self._lock:
            if not self._rung and not self._closed:
                self._rung = True
                self._sender.send(b"!")

    def clear(self) -> None:
        """Be silent until the next ring. Before looking for work, so that no ring is missed."""
        with self._lock:
            if self._rung:
                self._rung = False
                with contextlib.suppress(BlockingIOError):
                    self._receiver.recv(1)

    def close(self) -> None:
        """Let go of the descriptors. Idempotent; ``ring`` does nothing from now on."""
        with self._lock:
            self._closed = True
            self._receiver.close()
            self._sender.close()
