"""When a stop that was said over ROS 2 has to be passed on: at once, again until it has arrived, and while it holds.

The stop itself latches in the actor and is undone by a named person only. This is the way there, for a network that
loses, repeats and floods.
"""

from __future__ import annotations

import math

_BETWEEN = 0.1  # s between two stops that arrived, whatever floods in
_AGAIN = 0.25  # s until one that did not arrive is tried again
_SETTLES = 1.0  # s after one that arrived, in which what is seen and said may still be from before


class StopKeeper:
    """Pure: time is handed in [s, monotonic]. For one thread."""

    def __init__(self) -> None:
        self.pressed = False  # what was said last
        self._owed = False  # a stop that has not arrived yet; releasing does not take it back
        self._repeated = False  # stop was said again since one arrived
        self._arrived, self._next = -math.inf, -math.inf

    def heard(self, pressed: bool) -> None:
        """Someone said so."""
        if pressed and not self.pressed:
            self._owed = True
        self._repeated = pressed
        self.pressed = pressed

    def is_due(self, now: float, stopped: bool | None) -> bool:
        """Whether to stop the robot now; ``stopped``: whether it is, None where nobody knows.

        A robot that was reset, or whose actor was started anew, is stopped again while the button is pressed. What is
        said over and over, as by `ros2 topic pub`, is not passed on to a robot that is seen to be stopped.
        """
        runs = stopped is False or (stopped is None and self._repeated)
        still = self.pressed and runs and now - self._arrived > _SETTLES
        return now >= self._next and (self._owed or still)

    def arrived(self, now: float) -> None:
        """The actor has it."""
        self._owed = self._repeated = False
        self._arrived, self._next = now, now + _BETWEEN

    def failed(self, now: float) -> None:
        """It did not arrive, or was refused."""
        self._owed, self._next = True, now + _AGAIN
