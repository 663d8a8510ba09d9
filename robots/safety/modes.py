"""What the guard lets the robot do: four modes that a fault can only lower and only a person can raise."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from robots.robot import RobotError


class Mode(IntEnum):
    """The larger, the less the robot may do."""

    NORMAL = 0  # commands pass, within limits
    HOLD = 1  # commands are ignored: it holds the last safe pose; never stiff before, it damps instead
    DAMP = 2  # commands are ignored: motion is resisted, no pose is held
    OFF = 3  # one damping command, then nothing is written at all


def ratchet(mode: Mode, wanted: Iterable[Mode]) -> Mode:
    """The strictest of ``mode`` and all that is ``wanted``; never less strict than ``mode``."""
    return max([mode, *wanted])


def released_by(operator: str) -> Mode:
    """The mode after a reset.

    Raises:
        RobotError: nobody is named: a program must not forgive itself.
    """
    if not operator.strip():
        raise RobotError("reset needs the name of the person who looked at the robot, got an empty one.")
    return Mode.NORMAL
