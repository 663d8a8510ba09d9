"""The last thousand control steps, and what they say about how the robot is doing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.specs import Specs
from daydreamer.envs.tasks.walk import UPRIGHT

_NAMES = {
    "log/up": "robot/up",
    "log/standing": "robot/standing",
    "log/height": "robot/height",
    "log/forward_speed": "robot/forward_speed",
    "log/truth/up": "robot/truth_up",
    "log/truth/forward_speed": "robot/truth_forward_speed",
    "reward": "robot/reward",
    "log/original_reward": "robot/original_reward",
}


class RecentRows:
    """A rolling window over the scalars of rows; ``means`` gives the ``robot/...`` metrics.

    Args:
        row_spec: The rows; of their keys, those that people follow are kept.
        window: Rows.
    """

    def __init__(self, row_spec: Specs, window: int = 1000):
        self._names = {key: _name(key) for key, spec in row_spec.items() if _name(key) and spec.shape == ()}
        self._ring = {key: np.zeros(window, np.float64) for key in self._names}
        self._window, self._count = window, 0

    @property
    def keys(self) -> list[str]:
        """Keys of rows that it wants."""
        return list(self._names)

    def add(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Take rows ``{key: [N]}``, oldest first; keys it does not want are ignored."""
        rows = len(columns["reward"])
        places = (self._count + np.arange(rows)) % self._window
        kept = slice(max(0, rows - self._window), rows)
        for key, ring in self._ring.items():
            ring[places[kept]] = columns[key][kept]
        self._count += rows

    def means(self) -> dict[str, float]:
        """Means over the window by metric name; empty when there are no rows."""
        size = min(self._count, self._window)
        if not size:
            return {}
        found = {name: float(self._ring[key][:size].mean()) for key, name in self._names.items()}
        if "log/up" in self._ring:
            found["robot/upright"] = float((self._ring["log/up"][:size] > UPRIGHT).mean())
        return {**found, "robot/window": float(size)}


def _name(key: str) -> str:
    """Metric that a row's key feeds, or ''."""
    if key.startswith("log/reward/"):
        return f"robot/reward_{key.removeprefix('log/reward/')}"
    return _NAMES.get(key, "")
