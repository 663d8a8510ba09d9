"""Tell systemd that this process is up and lives (sd_notify), where it is a service that is asked to."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Mapping

from robots.clock import Clock, MonotonicClock

PAUSE = 60.0  # s
_PINGS = 4  # in each watchdog period: one may be late, and another lost


def pause_before_the_next_start(
    stop: Callable[[], str | None],
    environment: Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> None:
    """A program that only waits for something ends after a while: systemd gives up a service that starts too often.

    Less than ``TimeoutStartSec``, and long enough to stay below ``StartLimitBurst``. Anywhere else than under
    systemd, and when ``stop`` gives a reason, nobody waits.
    """
    environment, clock = os.environ if environment is None else environment, clock or MonotonicClock()
    until = clock.now() + PAUSE
    while environment.get("NOTIFY_SOCKET") and not stop() and clock.now() < until:
        clock.sleep_until(clock.now() + 0.5)


class ServiceManager:
    """Hears from ``alive``; anywhere else than under systemd nothing is said.

    A loop calls it from its own thread, once a turn: what hangs must fall silent, so no timer may speak for it.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, clock: Clock | None = None):
        """Args: ``environment`` is the process's own by default, ``clock`` monotonic time."""
        environment = os.environ if environment is None else environment
        self._clock = clock or MonotonicClock()
        name = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket's name begins with a zero byte, which systemd writes as '@'.
        self._address = "\0" + name[1:] if name.startswith("@") else name
        self._period = int(environment.get("WATCHDOG_USEC", "0")) / 1e6 / _PINGS
        if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
            self._period = 0.0  # the watchdog is another process's
        self._said: float | None = None  # when it spoke last

    def alive(self) -> None:
        """The loop is running: "ready" at the first call, a ping for the watchdog when one is due. Never waits."""
        if not self._address:
            return
        if self._said is None:
            self._say(b"READY=1\nWATCHDOG=1")
        elif self._period and self._clock.now() - self._said >= self._period:
            self._say(b"WATCHDOG=1")

    def _say(self, words: bytes) -> None:
        self._said = self._clock.now()
        with (
            contextlib.suppress(OSError),  # nobody listens any more, or its queue is full
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as line,
        ):
            line.sendto(words, self._address)
