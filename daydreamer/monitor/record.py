"""One line of a metrics file: ``{"step": 1200, "time": 1767225600.5, "robot/up": 0.93, ...}``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """Metrics by name at one ``step``; ``time`` in unix seconds. What was not finite reads as NaN."""

    step: int
    time: float
    metrics: Mapping[str, float]

    def to_line(self) -> bytes:
        """Strict JSON and a newline. What is not finite becomes null: JSON has no NaN."""
        numbers = {name: _number(value) for name, value in self.metrics.items()}
        text = json.dumps(
            {"step": self.step, "time": self.time, **numbers}, separators=(",", ":"), allow_nan=False
        )
        return text.encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Record:
        """The inverse of ``to_line``. Raises ValueError when the line is no record."""
        try:
            data: dict[str, Any] = json.loads(line)
            step, time = int(data.pop("step")), float(data.pop("time"))
            return cls(step, time, {name: math.nan if v is None else float(v) for name, v in data.items()})
        except (KeyError, TypeError, AttributeError, RecursionError, UnicodeDecodeError) as error:
            raise ValueError(f"not a metrics record: {line[:80]!r} ({error!r})") from error


def renewed(newest: Mapping[str, float], line: Mapping[str, float]) -> dict[str, float]:
    """The newest value of every name, ``newest`` before the metrics of ``line`` came.

    A line that counts the actors tells all that is known of them now: what it leaves out is no longer true.
    """
    if "learner/actors" in line:
        newest = {name: value for name, value in newest.items() if not name.startswith(("actor/", "link/"))}
    return {**newest, **line}


def _number(value: float) -> float | int | None:
    """Shortest exact form: whole numbers without a point, None for what is not finite."""
    value = float(value)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
