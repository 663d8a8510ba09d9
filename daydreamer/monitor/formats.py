"""Numbers as people read them: ``83 %``, ``0.41 m/s``, ``3 h 05 min``, ``1.2 MB``. ASCII only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from daydreamer.monitor.names import Metric, find

UNKNOWN = "?"
_BARE = {
    "1",
    "0 or 1",
    "steps",
    "version",
    "rows",
}  # units that a reader knows from the words around the number


def quantity(metric: Metric, value: float) -> str:
    """``value`` with its unit, as the table says; ``?`` when it is not finite."""
    if not math.isfinite(value):
        return UNKNOWN
    if metric.unit == "fraction":
        return f"{100 * value:.0f} %"
    if metric.unit == "bytes":
        return size(value)
    if metric.unit == "s":
        return duration(value)
    number = format(value, metric.spec)
    if not any(c in "123456789" for c in number):
        number = number.lstrip("-")  # -0.00 is 0.00 to a reader
    if metric.unit == "1/s":
        return f"{number}/s"
    return number if metric.unit in _BARE else f"{number} {metric.unit}"


def size(count: float) -> str:
    """Bytes in SI steps of 1,000: ``0 B``, ``999 B``, ``1.2 MB``."""
    if not math.isfinite(count):
        return UNKNOWN
    for unit in ("B", "kB", "MB", "GB"):
        if abs(count) < 999.5:
            return f"{count:.0f} B" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def duration(seconds: float) -> str:
    """``42 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``: two figures of what matters, no more."""
    if not math.isfinite(seconds):
        return UNKNOWN
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


class Words(Mapping[str, str]):
    """Metrics as words: ``"at {robot/forward_speed}".format_map(Words(metrics))`` is ``at 0.41 m/s``.

    A metric that is absent reads ``?``; a name outside the table is a KeyError.
    """

    def __init__(self, metrics: Mapping[str, float]):
        self._metrics = metrics

    def __getitem__(self, name: str) -> str:
        metric = find(name)
        if metric is None:
            raise KeyError(name)
        return quantity(metric, float(self._metrics.get(name, math.nan)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, so that it cannot disturb a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
