"""A fixed rate, and how well it was kept: a histogram of lateness in constant memory, and deadlines missed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from robots.clock import Clock

Counts = NDArray[np.uint64]

BINS = 128
FINEST = 1e-5  # s; the first bin holds everything earlier
RATIO = 1.08  # from one bin's edge to the next; the last bin begins at 0.17 s
_LOG_RATIO = math.log(RATIO)


class Ticks:
    """Wakes its caller every ``period`` seconds. A late tick does not shift the ones after it.

    A deadline is missed when its tick would begin after the next deadline; then it is left out and counted.
    """

    def __init__(self, clock: Clock, period: float):
        self.period = period
        self.count = 0  # ticks begun
        self.missed = 0  # deadlines left out
        self.late: Counts = np.zeros(BINS, np.uint64)  # ticks by lateness
        self.latest = 0.0  # s, the worst
        self._clock = clock
        self._due = clock.now() + period

    def wait(self) -> float:
        """Sleep until the next tick; return how late [s] it begins."""
        self._clock.sleep_until(self._due)
        late = max(0.0, self._clock.now() - self._due)
        self.late[bin_of(late)] += 1
        self.latest = max(self.latest, late)
        self.count += 1
        skipped = int(late / self.period)
        self.missed += skipped
        self._due += (1 + skipped) * self.period
        return late


def bin_of(late: float) -> int:
    """Which bin of the histogram ``late`` [s] falls into."""
    if late <= FINEST:
        return 0
    return min(BINS - 1, 1 + int(math.log(late / FINEST) / _LOG_RATIO))


def percentile(counts: Counts, percent: float) -> float:
    """Lateness [s] that ``percent`` of the ticks kept, at most 8 % too high; 0 without ticks."""
    total = int(counts.sum())
    if total == 0:
        return 0.0
    rank = max(1, math.ceil(total * percent / 100.0))
    return FINEST * RATIO ** int(np.searchsorted(np.cumsum(counts), rank))
