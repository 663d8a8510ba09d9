"""The robot at this moment, as the panel shows it: what its actor's console says."""

from __future__ import annotations

import math
from dataclasses import dataclass

HANGS = 1.0  # s without news from a loop whose console still answers

# What a key of the panel asks for. Stop is the largest key.
KEYS = {
    " ": "damp",
    "p": "pause",
    "r": "resume",
    "l": "lie_down",
    "g": "mark_good",
    "b": "mark_bad",
    "h": "mark_reset",
    "R": "reset",
}
QUIT = "q"


@dataclass(frozen=True)
class Now:
    """One moment of one robot. NaN: not known."""

    activity: str
    mode: str
    stopped: str = ""  # why it does not obey
    last_hand: str = ""  # the newest wish and what became of it
    faults: tuple[str, ...] = ()
    estop: str = "none"
    up: float = math.nan
    speed: float = math.nan  # m/s forward
    reward: float = math.nan
    policy_version: int = -1
    policy_age: float = math.nan  # s
    connected: bool = False  # to its learner
    unacked: int = 0  # rows
    late: float = math.nan  # s
    warmest: float = math.nan  # degC
    set_by_hand: int = 0  # times that a person set the robot anew, in the life of the run
    stops: int = 0
    good: int = 0  # marks
    bad: int = 0
    age: float = 0.0  # s since the control loop told it

    @property
    def told(self) -> tuple[object, ...]:
        """What is told of hands: it changes with each, though a second mark of one row is told in the same words."""
        return self.last_hand, self.set_by_hand, self.stops, self.good, self.bad
