"""A fixed rate on a clock that is moved by hand."""

import numpy as np
import pytest

from robots.a1.ticks import BINS, FINEST, RATIO, Ticks, bin_of, percentile
from robots.clock import ManualClock


class SlowClock(ManualClock):
    """Wakes ``lateness`` s after the deadline, as a busy computer does."""

    lateness = 0.0

    def sleep_until(self, deadline):
        super().sleep_until(deadline + self.lateness)


def test_ticks_come_every_period_however_long_the_work_takes():
    clock = ManualClock()
    ticks = Ticks(clock, 0.002)
    for number in range(1, 6):
        assert ticks.wait() == 0.0
        assert clock.now() == pytest.approx(0.002 * number)
        clock.advance(0.0015)  # work
    assert (ticks.count, ticks.missed, ticks.latest) == (5, 0, 0.0)


def test_a_late_tick_does_not_shift_the_next_one():
    clock = SlowClock()
    ticks = Ticks(clock, 0.002)
    clock.lateness = 0.0005
    assert ticks.wait() == pytest.approx(0.0005)
    clock.lateness = 0.0
    ticks.wait()
    assert clock.now() == pytest.approx(0.004)
    assert ticks.missed == 0


def test_deadlines_slept_through_are_missed_and_not_made_up_for():
    clock = ManualClock()
    ticks = Ticks(clock, 0.002)
    clock.advance(0.0091)  # due was 2 ms: 7.1 ms late, so those of 4, 6 and 8 ms are left out
    assert ticks.wait() == pytest.approx(0.0071)
    assert ticks.missed == 3
    ticks.wait()
    assert clock.now() == pytest.approx(0.010)


def test_bins_grow_by_their_ratio():
    assert bin_of(0.0) == bin_of(FINEST) == 0
    assert bin_of(FINEST * 1.001) == 1
    assert bin_of(FINEST * RATIO * 1.001) == 2
    assert bin_of(1e9) == BINS - 1


def test_percentiles_are_read_from_the_histogram():
    counts = np.zeros(BINS, np.uint64)
    for late in [50e-6] * 98 + [500e-6, 5e-3]:
        counts[bin_of(late)] += 1
    assert 50e-6 <= percentile(counts, 50) <= 1.08 * 50e-6
    assert 500e-6 <= percentile(counts, 99) <= 1.08 * 500e-6  # the 99th of 100
    assert 5e-3 <= percentile(counts, 100) <= 1.08 * 5e-3
    assert percentile(np.zeros(BINS, np.uint64), 99) == 0.0
