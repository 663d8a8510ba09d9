"""A stop box that is none: the far end of a pseudo-terminal, which speaks as the firmware of ``launch/estop`` does."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from types import TracebackType

from robots.clock import Clock, MonotonicClock
from robots.safety.estop import heartbeat

BEAT = 0.02  # s between two heartbeats


class EmulatedBox:
    """``port`` is to be opened as /dev/ttyUSB0 would be. A context manager, inside which it beats by itself.

    Any thread may call.
    """

    def __init__(self, clock: Clock | None = None):
        """Make the port. Nothing is said yet."""
        import tty

        self._clock: Clock = clock or MonotonicClock()
        self._far, near = os.openpty()
        tty.setraw(near)
        self.port = os.ttyname(near)
        os.close(near)
        self.counter, self.pressed = 0, False
        self._lock, self._over = threading.RLock(), threading.Event()
        self._thread: threading.Thread | None = None

    def say(self, data: bytes) -> None:
        """Send any bytes; an unplugged box says nothing."""
        with self._lock:
            if self._far >= 0:
                with suppress(BlockingIOError):
                    os.write(self._far, data)

    def beat(self, count: int = 1) -> None:
        """Send the next ``count`` heartbeats."""
        with self._lock:
            for _ in range(count):
                self.say(heartbeat(self.counter, self.pressed))
                self.counter += 1

    def press(self, pressed: bool = True) -> float:
        """Press the button or release it, which is said at once; when [s, of the clock]."""
        with self._lock:
            self.pressed = pressed
            moment = self._clock.now()
            self.beat()
        return moment

    def start(self) -> None:
        """Beat in a thread of its own."""
        os.set_blocking(self._far, False)  # a reader that does not read must not hold anyone up
        self._thread = threading.Thread(target=self._run, name="emulated stop box", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fall silent. Idempotent."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def unplug(self) -> None:
        """The port is gone. Idempotent."""
        with self._lock:
            if self._far >= 0:
                os.close(self._far)
                self._far = -1

    def __enter__(self) -> EmulatedBox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.unplug()

    def _run(self) -> None:
        while not self._over.wait(BEAT):
            self.beat()
