"""Time, as a thing one is handed: hardware time, simulated time, and time that a test moves by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Seconds that only go up. Everything that waits takes a Clock; nothing else touches ``time``."""

    def now(self) -> float:
        """Seconds since an arbitrary origin, monotonic."""
        ...

    def sleep_until(self, deadline: float) -> None:
        """Return at or after ``deadline`` [s]; at once when it has passed."""
        ...


class MonotonicClock:
    """The computer's monotonic clock; where the system tells, the time for which it was suspended counts.

    A robot whose computer slept with the lid closed must not be driven on as if nothing had happened.
    """

    def now(self) -> float:
        """Seconds since the computer was started."""
        return _now()

    def sleep_until(self, deadline: float) -> None:
        """Sleep until ``deadline`` [s]."""
        remaining = deadline - _now()
        if remaining > 0:
            time.sleep(remaining)


def _now() -> float:
    return time.monotonic() if _BOOT is None else time.clock_gettime(_BOOT)


_BOOT: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class ManualClock:
    """A clock that moves only when told to: ``sleep_until`` jumps there, ``advance`` moves it on."""

    def __init__(self, start: float = 0.0):
        self._now = start

    def now(self) -> float:
        """The time last set [s]."""
        return self._now

    def sleep_until(self, deadline: float) -> None:
        """Jump to ``deadline`` [s], never back."""
        self._now = max(self._now, deadline)

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds``."""
        if seconds < 0:
            raise ValueError(f"time does not run backwards: advance({seconds})")
        self._now += seconds


class Rate:
    """Ticks at ``hz``; a late caller is told how late, and late ticks are skipped, never bunched up."""

    def __init__(self, clock: Clock, hz: float):
        if not hz > 0:
            raise ValueError(f"a rate is positive, got {hz} Hz")
        self.period = 1.0 / hz
        self._clock = clock
        self._next = clock.now() + self.period

    def wait(self) -> float:
        """Sleep until the next tick; return how late [s] the caller was, 0.0 when on time."""
        late = max(0.0, self._clock.now() - self._next)
        if late > 0:
            self._next += self.period * int(late / self.period)
        self._clock.sleep_until(self._next)
        self._next += self.period
        return late

    def restart(self) -> None:
        """Count the next tick from now, as after a pause."""
        self._next = self._clock.now() + self.period
