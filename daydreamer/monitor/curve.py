"""A quantity over the whole run in bounded memory, and its picture in one line of text."""

from __future__ import annotations

import math

_BLOCKS = "▁▂▃▄▅▆▇█"


class Curve:
    """Means of ``y`` over bins of equal width in ``x``. When the bins run out, pairs of them become one.

    Args:
        capacity: Most bins kept.
        width: Width of a bin at the start, in the unit of x.
    """

    def __init__(self, capacity: int = 512, width: float = 0.05):
        self._capacity, self._width = capacity, width
        self._bins: dict[int, tuple[float, int]] = {}  # index -> (sum, count)

    def add(self, x: float, y: float) -> None:
        """Add a point; one that is not finite, or at negative x, is left out."""
        if not (math.isfinite(x) and math.isfinite(y) and x >= 0):
            return
        while x >= self._capacity * self._width:
            self._halve()
        total, count = self._bins.get(int(x / self._width), (0.0, 0))
        self._bins[int(x / self._width)] = (total + y, count + 1)

    def columns(self, count: int) -> list[float]:
        """At most ``count`` values, evenly spaced from x = 0 to the newest; gaps repeat what came before."""
        if not self._bins or count <= 0:
            return []
        end = max(self._bins) + 1
        count = min(count, end)
        sums = [(0.0, 0)] * count
        for index, (total, n) in self._bins.items():
            column = index * count // end
            sums[column] = (sums[column][0] + total, sums[column][1] + n)
        values: list[float] = []
        for total, n in sums:
            values.append(total / n if n else values[-1] if values else math.nan)
        return values

    def __len__(self) -> int:
        """Number of bins in use."""
        return len(self._bins)

    def _halve(self) -> None:
        merged: dict[int, tuple[float, int]] = {}
        for index, (total, n) in self._bins.items():
            before = merged.get(index // 2, (0.0, 0))
            merged[index // 2] = (before[0] + total, before[1] + n)
        self._bins, self._width = merged, 2 * self._width


def sparkline(values: list[float], low: float, high: float) -> str:
    """One character per value, from ``low`` (lowest block) to ``high`` (full block); blank for NaN."""
    scale = (len(_BLOCKS) - 1) / max(high - low, 1e-9)
    return "".join(
        " " if math.isnan(v) else _BLOCKS[round(scale * (min(max(v, low), high) - low))] for v in values
    )  # fmt: skip
