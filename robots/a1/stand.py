"""Scripted motions of an A1: get onto the belly, stand up, lie down. Poses and seconds, nothing learnt.

Each begins wherever the joints are. ``play`` runs one on any robot that keeps the contract, through whatever guards it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from robots.a1 import model
from robots.clock import Rate
from robots.robot import Array, JointCommand, Robot, RobotError, RobotState

HZ = 20.0  # targets a second; the servo draws the line between two of them

Leg = tuple[float, float, float]  # rad, hip, thigh, calf

FOLDED: Leg = (0.0, 1.4, -2.6)  # lying on the belly, legs under the body


@dataclass(frozen=True)
class Waypoint:
    """Joint angles to reach, and how long to take."""

    pos: Array  # [12] rad
    seconds: float


def legs(right: Leg, left: Leg | None = None) -> Array:
    """``[12]`` rad: both right legs alike, and both left ones; as the right ones when not given."""
    return np.tile(np.array([*right, *(left or right)]), 2)


# Found by random search in simulation, from the back: the right legs reach behind the body and turn it onto its left
# side, then both sides swing together and it falls onto its belly.
_ROLL = (
    Waypoint(legs(FOLDED), 0.4),
    Waypoint(legs((-0.63, 3.79, -0.93), (-0.35, -0.11, -1.22)), 0.55),
    Waypoint(legs((-0.50, 2.80, -1.13), (-0.26, 1.71, -2.67)), 0.55),
    Waypoint(legs((0.56, 2.04, -2.22), (0.54, 1.60, -1.79)), 0.7),
    Waypoint(legs((0.40, -0.27, -1.25), (0.29, 3.05, -2.34)), 0.3),
    Waypoint(legs(FOLDED), 0.8),
)

MOTIONS: dict[str, tuple[Waypoint, ...]] = {
    "recover": _ROLL,
    "stand": (Waypoint(legs(FOLDED), 1.0), Waypoint(legs(model.LEG_STAND), 1.5)),
    "lie": (Waypoint(legs(FOLDED), 1.5),),
}


ON_ITS_BACK = 0.5  # up_z below which it is not on its belly


class MotionStopped(RobotError):
    """The motion was not finished; the text says why."""


def up_z(state: RobotState) -> float:
    """How upright the body is: 1 standing, 0 on its side, -1 on its back."""
    x, y, _, _ = state.quat_xyzw
    return float(1.0 - 2.0 * (x * x + y * y))


def play(
    robot: Robot,
    motion: tuple[Waypoint, ...],
    hold: float = 0.5,
    stopped: Callable[[], str] = lambda: "",
    dry: bool = False,
) -> RobotState:
    """Move ``robot`` through ``motion``, stay ``hold`` s at its end, and return the last state.

    The way between two poses is an S curve: slow, fast, slow.

    Args:
        robot: connected.
        motion: where to.
        hold: s to go on commanding the last pose.
        stopped: why the robot no longer obeys, asked before every command; empty while it does.
        dry: do everything but command the motors.

    Raises:
        MotionStopped: the robot no longer obeys.
        StaleState: it fell silent.
    """
    rate = Rate(robot.clock, HZ)
    state = robot.read()
    target = state.joint_pos
    for point in (*motion, Waypoint(motion[-1].pos, hold)):
        start, steps = target, max(1, round(point.seconds * HZ))
        for step in range(1, steps + 1):
            if why := stopped():
                raise MotionStopped(f"the motion was stopped: {why}")
            share = step / steps
            target = start + (3.0 - 2.0 * share) * share**2 * (point.pos - start)
            if not dry:
                robot.write(JointCommand.hold(target, robot.info))
            rate.wait()
            state = robot.read()
    return state


def damp(robot: Robot, seconds: float = 1.0, dry: bool = False) -> RobotState:
    """Let the motors only resist motion for ``seconds``; the last state. The robot sinks to where gravity has it."""
    rate = Rate(robot.clock, HZ)
    state = robot.read()
    for _ in range(max(1, round(seconds * HZ))):
        if not dry:
            robot.write(JointCommand.damp(state, robot.info))
        rate.wait()
        state = robot.read()
    return state
