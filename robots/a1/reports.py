"""What the servo process said last, and whether it still speaks: for any thread, and nothing here waits."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from robots.a1.records import Record
from robots.a1.servo_process import ServoProcess

QUIET = 0.25  # s without a report from the servo after which people are told that it hangs;
HUNG = 1.0  # s after which it does,
SURE = 0.2  # s for which that is looked at: this process may have slept itself


class Reports:
    """The newest report of one servo after the other; ``now`` tells the time of the clock that they are stamped by."""

    def __init__(self, now: Callable[[], float]):
        self._now = now
        self._lock = Lock()  # held for microseconds
        self._servo: ServoProcess | None = None
        self._report: Record | None = None
        self._hung_since: float | None = None  # when it was first seen to hang

    def follow(self, servo: ServoProcess | None) -> None:
        """From now on those of ``servo``, or of none: once this has returned nobody looks at the one before."""
        with self._lock:
            self._servo, self._hung_since = servo, None
            if servo is not None:
                self._report = None

    def newest(self) -> Record | None:
        """The newest one; None before the first."""
        with self._lock:
            fresh = None if self._servo is None else self._servo.report()
            if fresh is not None:
                self._report = fresh
            return self._report

    def silence(self) -> float:
        """Seconds since the newest one; 0 before the first."""
        report = self.newest()
        return 0.0 if report is None else self._now() - float(report["now"])

    def absent(self) -> str:
        """Why there is no servo that does its work, for a person; empty while it does."""
        with self._lock:
            if self._servo is None:
                return "not connected"
            if not self._servo.running:
                return f"the servo process is gone: {self._servo.last_words()}"
        silence = self.silence()
        return f"the servo process hangs: no word from it for {silence:.1f} s" if silence > QUIET else ""

    def hangs(self) -> bool:
        """Whether it has hung for so long, and been seen to, that it is to be replaced."""
        silence, now = self.silence(), self._now()
        if silence <= HUNG:
            self._hung_since = None
        elif self._hung_since is None:
            self._hung_since = now
        return self._hung_since is not None and now - self._hung_since > SURE
