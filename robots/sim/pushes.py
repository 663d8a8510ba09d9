"""Shoves at random times in random horizontal directions, from a seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from robots.robot import Array, RobotError


class Pushes:
    """Says when the robot is to be pushed, and how hard.

    Args:
        largest: N s; the size of each push is uniform from 0 to it.
        every: s, (shortest, longest) time from one push to the next, uniform between them.
        rng: Draws all of it.

    Raises:
        RobotError: ``every`` is no such pair, or ``largest`` is negative.
    """

    def __init__(self, largest: float, every: Sequence[float], rng: np.random.Generator):
        try:
            shortest, longest = (float(seconds) for seconds in every)
        except (TypeError, ValueError):
            shortest, longest = 0.0, 0.0  # no such pair
        if not 0 < shortest <= longest < float("inf"):
            raise RobotError(f"push_every is a pair [shortest, longest] of positive seconds, got {every}")
        if not 0 <= largest < float("inf"):
            raise RobotError(f"push is the largest impulse in N s, zero or more, got {largest}")
        self._largest, self._every, self._rng = largest, (shortest, longest), rng
        self._at = rng.uniform(shortest, longest)

    def due(self, now: float) -> Array | None:
        """The impulse [3] N s, world frame, when its time has come at ``now`` [s]; else None."""
        if not self._largest or now < self._at:
            return None
        self._at = now + self._rng.uniform(*self._every)
        heading, size = self._rng.uniform(-np.pi, np.pi), self._rng.uniform(0.0, self._largest)
        return np.array([size * np.cos(heading), size * np.sin(heading), 0.0])
