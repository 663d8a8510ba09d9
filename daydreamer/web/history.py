"""Every metric of a run over its whole length, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from daydreamer.monitor.record import Record

POINTS = 600  # of a chart, at most; a screen has not many more columns
_X = ("time", "robot/minutes")  # kept in full: what the charts are drawn over


class History:
    """Bins of consecutive records; when they run out, pairs of them become one.

    So everything that is asked of it is small: a day of records and a minute of them take the same memory. One
    thread.

    Args:
        points: Most bins kept, an even number.
        generation: To begin with; above that of a history whose place it takes.
    """

    def __init__(self, points: int = POINTS, generation: int = 0):
        self.generation = generation  # grows when bins are joined: what was read of them before is then void
        self.bins = 0  # in use
        self._points = points
        self._stride, self._in_last = 1, 0  # records that fill a bin, and that the last one has
        self._column: dict[str, int] = {}
        self._sum = np.zeros((points, 64))
        self._count = np.zeros((points, 64), np.int32)
        self._most = np.full((points, 64), -np.inf)
        self._minutes = math.nan

    def add(self, record: Record) -> None:
        """Take a record; they come oldest first. Before the robot's first minute there is nothing to draw."""
        self._minutes = record.metrics.get("robot/minutes", self._minutes)
        if math.isnan(self._minutes):
            return
        if not self.bins or self._in_last == self._stride:
            if self.bins == self._points:
                self._halve()
            self.bins, self._in_last = self.bins + 1, 0
        self._in_last += 1
        values = {**record.metrics, "time": record.time, "robot/minutes": self._minutes}
        places = [self._index(name) for name in values]
        numbers = np.fromiter(values.values(), np.float64, len(values))
        fine = np.isfinite(numbers)
        columns, numbers, bin_ = np.array(places)[fine], numbers[fine], self.bins - 1
        self._sum[bin_, columns] += numbers
        self._count[bin_, columns] += 1
        self._most[bin_, columns] = np.maximum(self._most[bin_, columns], numbers)

    def since(
        self, begin: int, names: Iterable[str], peaks: Iterable[str] = ()
    ) -> dict[str, list[float | None]]:
        """From bin ``begin`` on: each name's mean, or its greatest value if it is among ``peaks``; None is a gap.

        ``time`` [unix s] and ``robot/minutes`` are always among them.
        """
        peaks = set(peaks)
        found = {}
        for name in (*_X, *names):
            if name in self._column:
                found[name] = _plain(self._values(name, name in peaks)[begin : self.bins], name in _X)
        return found

    def names(self) -> list[str]:
        """Every name that has come, in that order."""
        return [name for name in self._column if name != "time"]

    def _values(self, name: str, peak: bool) -> NDArray[np.float64]:
        column = self._column[name]
        count = self._count[:, column]
        values = self._most[:, column] if peak else self._sum[:, column] / np.maximum(count, 1)
        return np.where(count > 0, values, np.nan)

    def _index(self, name: str) -> int:
        found = self._column.setdefault(name, len(self._column))
        if found == self._sum.shape[1]:
            wider = ((0, 0), (0, found))
            self._sum, self._count = np.pad(self._sum, wider), np.pad(self._count, wider)
            self._most = np.pad(self._most, wider, constant_values=-np.inf)
        return found

    def _halve(self) -> None:
        half = self._points // 2
        for array, join in ((self._sum, np.add), (self._count, np.add), (self._most, np.maximum)):
            array[:half] = join(array[0::2], array[1::2])
        self._sum[half:], self._count[half:], self._most[half:] = 0.0, 0, -np.inf
        self.bins, self._stride = half, 2 * self._stride
        self.generation += 1


def _plain(values: NDArray[np.float64], exact: bool) -> list[float | None]:
    """Numbers for JSON: four figures are more than a screen shows, and a third of the bytes."""
    if exact:
        return [None if math.isnan(v) else round(v, 3) for v in values.tolist()]
    return [None if math.isnan(v) else float(f"{v:.4g}") for v in values.tolist()]
