"""What is made of a servo's reports: whether it hangs, and the states in them. Time is told, nothing waits."""

import numpy as np
import pytest

from robots.a1.records import REPORT, blank
from robots.a1.reports import HUNG, QUIET, SURE, Readings, Reports
from robots.clock import ManualClock


class Servo:
    """Reports what it is told to, once."""

    running = True

    def __init__(self):
        self.letter = None

    def report(self):
        letter, self.letter = self.letter, None
        return letter


class Desk:
    """Reports of one servo, and the time."""

    def __init__(self):
        self.clock, self.servo = ManualClock(100.0), Servo()
        self.reports = Reports(self.clock.now)
        self.reports.follow(self.servo)

    def word(self, **fields):
        """From the servo, now."""
        self.servo.letter = blank(REPORT)
        for name, value in {"now": self.clock.now(), **fields}.items():
            self.servo.letter[name] = value


@pytest.fixture
def desk():
    return Desk()


def test_one_that_was_told_to_leave_and_falls_silent_damps_no_more(desk):
    desk.word()
    assert not desk.reports.damps_no_more()
    desk.clock.advance(QUIET + 0.01)
    assert not desk.reports.damps_no_more(), "seen once: this process may have slept itself"
    desk.clock.advance(SURE + 0.01)
    assert desk.reports.damps_no_more() and not desk.reports.hangs(HUNG)
    desk.word()
    assert not desk.reports.damps_no_more(), "it speaks again"


def test_one_that_has_sent_its_last_damping_may_take_its_time(desk):
    """It waits for the disk, which is to have a stop."""
    desk.word(damped=1)
    for _ in range(20):
        desk.clock.advance(0.1)
        assert not desk.reports.damps_no_more()


def test_of_one_that_never_spoke_nothing_is_known(desk):
    desk.clock.advance(10.0)
    assert not desk.reports.damps_no_more()


def test_accel_is_the_mean_since_the_reading_before():
    report, readings = blank(REPORT), Readings()
    report["state"]["seq"], report["accel_sum"] = 2, (2.0, 4.0, 20.0)
    first = readings.of(report)
    np.testing.assert_allclose(first.accel, (1.0, 2.0, 10.0))
    assert readings.of(report) is first
    report["state"]["seq"], report["accel_sum"] = 6, (2.0, 8.0, 60.0)  # 0, 4, 40 more in 4 readings
    np.testing.assert_allclose(readings.of(report).accel, (0.0, 1.0, 10.0))
