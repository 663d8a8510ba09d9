"""The simulator's time: it moves only when somebody sleeps, because sleeping is what steps the physics."""

from __future__ import annotations

import math
from collections.abc import Callable

from robots.clock import Clock


class SimClock:
    """A Clock whose ``sleep_until`` runs physics steps of ``dt`` seconds until the deadline is reached."""

    def __init__(self, dt: float, advance: Callable[[int], None]):
        """Args: ``dt`` is the physics step [s]; ``advance(n)`` runs n of them."""
        self.dt = dt
        self._advance = advance
        self._steps = 0

    def now(self) -> float:
        """Simulated seconds."""
        return self._steps * self.dt

    def sleep_until(self, deadline: float) -> None:
        """Step the physics to ``deadline`` [s], or to the first step after it; at once when it has passed."""
        # A deadline summed up from many periods is off by a hair; that must not cost a step.
        due = math.ceil(deadline / self.dt - 1e-3)
        steps = due - self._steps
        if steps > 0:
            self._advance(steps)
            self._steps = due


class Pacer:
    """Holds simulated time back to wall time; after a stall it does not rush to catch up.

    Nothing is owed to the wall: the robot's time is the simulator's, and it stood still during the stall.
    """

    def __init__(self, wall: Clock, slack: float = 0.02):
        """Args: ``slack`` [s] is the lateness that is made good; what exceeds it is forgotten."""
        self._wall = wall
        self._slack = slack
        self._due = wall.now()

    def pace(self, seconds: float) -> None:
        """Call after simulating ``seconds``: waits until as much wall time has passed."""
        self._due = max(self._due + seconds, self._wall.now() - self._slack)
        self._wall.sleep_until(self._due)
