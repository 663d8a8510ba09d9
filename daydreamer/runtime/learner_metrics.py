"""What the learner counts between two lines of metrics, and the run's scores."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from daydreamer.monitor import names
from daydreamer.monitor.line_file import append_line
from daydreamer.monitor.writers import Writer

_log = logging.getLogger(__name__)

_SCORE_EVERY = 1000  # rows
_SCORED = ("minutes", "up", "upright", "standing", "forward_speed", "reward")


class LearnerMetrics:
    """Collects between writes; a write gives means and begins anew.

    Args:
        writer: Where metrics go.
        scores: A file that gets one line per 1,000 rows.
        now: Wall time at the start.
        rows: Collected before.
        updates: Made before.
    """

    def __init__(self, writer: Writer, scores: Path, now: float, rows: int, updates: int):
        self._writer, self._scores = writer, scores
        self._begun = self._since = now
        self._updates_then, self._thousands = updates, rows // _SCORE_EVERY
        self._sums: defaultdict[str, list[float]] = defaultdict(list)
        self._waited = 0.0
        self._left_out: set[str] = set()

    @property
    def pending(self) -> bool:
        """True when there are updates since the last write."""
        return bool(self._sums)

    def age(self, now: float) -> float:
        """Seconds since the last write."""
        return now - self._since

    def trained(self, metrics: Mapping[str, float], seconds: float) -> None:
        """Count one update."""
        self.count(metrics)
        self._sums["learner/step_ms"].append(1000 * seconds)

    def count(self, metrics: Mapping[str, float]) -> None:
        """Add to the means."""
        for name, value in metrics.items():
            self._sums[name].append(value)

    def waited(self, seconds: float) -> None:
        """Count time without work."""
        self._waited += seconds

    def write(self, now: float, rows: int, updates: int, others: Mapping[str, float]) -> None:
        """Write everything at step ``rows``; ``others`` are values of this moment."""
        elapsed = max(self.age(now), 1e-9)
        metrics = {name: float(np.mean(values)) for name, values in self._sums.items()}
        metrics |= {
            "learner/steps": float(updates),
            "learner/steps_per_second": (updates - self._updates_then) / elapsed,
            "learner/waiting": min(1.0, self._waited / elapsed),
            "learner/wall_minutes": (now - self._begun) / 60,
            **others,
        }
        self._sums.clear()  # before the write: a disk that refuses costs a line, and is not asked at once again
        self._since, self._updates_then, self._waited = now, updates, 0.0
        self._writer.write(rows, self._known(metrics))
        if rows // _SCORE_EVERY > self._thousands:
            self._thousands = rows // _SCORE_EVERY
            self._score(rows, updates, metrics)

    def _score(self, rows: int, updates: int, metrics: Mapping[str, float]) -> None:
        score: dict[str, float] = {"rows": rows, "updates": updates}
        score |= {name: round(metrics[f"robot/{name}"], 4) for name in _SCORED if f"robot/{name}" in metrics}
        with self._scores.open("a+b", buffering=0) as file:
            append_line(file, json.dumps(score).encode() + b"\n")

    def _known(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Without names that are not in the table: an actor of another version must not stop a run."""
        unknown = {name for name in metrics if names.find(name) is None}
        if fresh := unknown - self._left_out:
            self._left_out |= fresh
            _log.warning("metrics left out: %s", "; ".join(names.unknown(fresh)))
        return {name: value for name, value in metrics.items() if name not in unknown}
