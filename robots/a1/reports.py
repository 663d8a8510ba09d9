"""What the servo process said last, what that makes of the robot's state, and whether it still speaks.

For any thread, and nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import numpy as np

from robots.a1.records import Record, get_state
from robots.a1.servo_process import ServoProcess
from robots.robot import RobotState

QUIET = 0.25  # s without a report from the servo after which people are told that it hangs;
HUNG = 1.0  # s after which it does, while the program goes on; when that closes, QUIET is enough,
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

    def hangs(self, after: float = HUNG) -> bool:
        """Whether it has hung for ``after`` [s], and been seen to, so that it is to be replaced."""
        silence, now = self.silence(), self._now()
        if silence <= after:
            self._hung_since = None
        elif self._hung_since is None:
            self._hung_since = now
        return self._hung_since is not None and now - self._hung_since > SURE

    def damps_no_more(self) -> bool:
        """Whether it hangs and has not sent its last damping: whoever told it to leave waits in vain."""
        report = self.newest()
        return report is not None and not report["damped"] and self.hangs(QUIET)


class Readings:
    """The states of one connection's reports; ``accel`` is the mean since the one that was taken before."""

    def __init__(self) -> None:
        self._last: RobotState | None = None
        self._accel_sum = np.zeros(3)

    def of(self, report: Record) -> RobotState:
        """The state in ``report``; the same object again while it is no newer one."""
        last, seq = self._last, int(report["state"]["seq"])
        if last is not None and last.seq == seq:
            return last
        accel_sum = np.array(report["accel_sum"])
        mean = (accel_sum - self._accel_sum) / (seq - (0 if last is None else last.seq))
        self._last, self._accel_sum = get_state(report, mean), accel_sum
        return self._last
