"""Ctrl-C and its kin as a question that a loop asks, in place of an exception between any two lines."""

from __future__ import annotations

import signal
from types import FrameType

from daydreamer.runtime.service_manager import ServiceManager

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignals:
    """While entered: call it for the name of the signal that came, or None. A second SIGINT is obeyed at once.

    A loop that asks is a loop that lives: each question is a sign of life for systemd, where that waits for one.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._before: dict[int, object] = {}
        self._manager = ServiceManager()

    def __call__(self) -> str | None:
        """The name of the first signal that came, or None."""
        self._manager.alive()
        return self.before()

    def before(self) -> str | None:
        """The same, of a loop that only waits for its work to begin: no sign that this program is ready."""
        return None if self._came is None else signal.Signals(self._came).name

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended; 0 when none came."""
        return 0 if self._came is None else 128 + self._came

    def __enter__(self) -> StopSignals:
        for number in _SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup asked for that
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._came is None:
            self._came = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
