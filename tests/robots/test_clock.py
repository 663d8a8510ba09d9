"""Clocks and rates, on time moved by hand."""

import time

import pytest

from robots.clock import ManualClock, MonotonicClock, Rate


class TestManualClock:
    def test_sleeping_moves_it_there(self):
        clock = ManualClock(start=5.0)
        clock.sleep_until(7.5)
        assert clock.now() == 7.5

    def test_it_never_goes_back(self):
        clock = ManualClock(start=5.0)
        clock.sleep_until(4.0)
        assert clock.now() == 5.0
        with pytest.raises(ValueError, match="backwards"):
            clock.advance(-0.1)

    def test_advance(self):
        clock = ManualClock()
        clock.advance(0.25)
        clock.advance(0.0)
        assert clock.now() == 0.25


class TestMonotonicClock:
    def test_a_deadline_in_the_past_returns_at_once(self, monkeypatch):
        monkeypatch.setattr("robots.clock.time.sleep", lambda _: pytest.fail("it slept"))
        clock = MonotonicClock()
        clock.sleep_until(clock.now() - 1.0)

    def test_it_sleeps_for_what_remains(self, monkeypatch):
        slept = []
        monkeypatch.setattr("robots.clock._now", lambda: 10.0)
        monkeypatch.setattr("robots.clock.time.sleep", slept.append)
        MonotonicClock().sleep_until(10.5)
        assert slept == [0.5]

    def test_a_suspended_computer_is_late(self, monkeypatch):
        boot = {time.CLOCK_BOOTTIME: 300.0}  # a minute more than CLOCK_MONOTONIC saw
        monkeypatch.setattr("robots.clock.time.clock_gettime", boot.__getitem__)
        monkeypatch.setattr("robots.clock.time.monotonic", lambda: 240.0)
        assert MonotonicClock().now() == 300.0

    def test_where_the_system_does_not_tell_it_is_the_monotonic_clock(self, monkeypatch):
        monkeypatch.setattr("robots.clock._BOOT", None)
        monkeypatch.setattr("robots.clock.time.monotonic", lambda: 240.0)
        assert MonotonicClock().now() == 240.0


class TestRate:
    # 4 Hz: every number here is exact in binary.
    @pytest.fixture
    def clock(self):
        return ManualClock()

    @pytest.fixture
    def rate(self, clock):
        return Rate(clock, hz=4.0)

    def test_an_idle_caller_ticks_on_the_grid(self, clock, rate):
        ticks = []
        for _ in range(4):
            assert rate.wait() == 0.0
            ticks.append(clock.now())
        assert ticks == [0.25, 0.5, 0.75, 1.0]

    def test_work_shorter_than_the_period_does_not_shift_the_grid(self, clock, rate):
        clock.advance(0.2)
        assert rate.wait() == 0.0
        clock.advance(0.1)
        assert rate.wait() == 0.0
        assert clock.now() == 0.5

    def test_ending_exactly_on_the_tick_is_on_time(self, clock, rate):
        clock.advance(0.25)
        assert rate.wait() == 0.0
        assert clock.now() == 0.25

    def test_a_late_caller_is_told_how_late_and_goes_on_at_once(self, clock, rate):
        clock.advance(0.375)  # the tick was at 0.25
        assert rate.wait() == 0.125
        assert clock.now() == 0.375
        assert rate.wait() == 0.0
        assert clock.now() == 0.5, "the next tick is back on the grid"

    def test_missed_ticks_are_skipped_not_bunched(self, clock, rate):
        clock.advance(1.125)  # ticks at 0.25, 0.5, 0.75 and 1.0 have passed
        assert rate.wait() == 0.875
        assert clock.now() == 1.125
        assert rate.wait() == 0.0
        assert clock.now() == 1.25, "one tick for all that were missed, then the grid"

    def test_late_by_exactly_one_period(self, clock, rate):
        clock.advance(0.5)
        assert rate.wait() == 0.25
        assert clock.now() == 0.5
        assert rate.wait() == 0.0
        assert clock.now() == 0.75

    def test_restart_counts_from_now(self, clock, rate):
        clock.advance(10.0)
        rate.restart()
        assert rate.wait() == 0.0
        assert clock.now() == 10.25

    @pytest.mark.parametrize("hz", [0.0, -1.0, float("nan")])
    def test_a_rate_is_positive(self, clock, hz):
        with pytest.raises(ValueError, match="positive"):
            Rate(clock, hz)
