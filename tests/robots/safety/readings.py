"""A standing A1's readings and commands, and the rules that most tests judge them by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from robots.a1 import model
from robots.robot import JointCommand, RobotState
from robots.safety.config import Rules, SafetyConfig

INFO = model.info(simulated=True)
STAND = INFO.stand_pos
ZERO = np.zeros(12)


def rules(**changes: Any) -> Rules:
    """The default rules, except for ``changes``."""
    return Rules(INFO, replace(SafetyConfig(), **changes))


def reading(**changes: Any) -> RobotState:
    """Stands still, level and cool, and nothing is wrong; except for ``changes``."""
    state = RobotState(
        time=0.0,
        joint_pos=STAND.copy(),
        joint_vel=ZERO.copy(),
        joint_torque=ZERO.copy(),
        quat_xyzw=np.array([0.0, 0.0, 0.0, 1.0]),
        gyro=np.zeros(3),
        accel=np.array([0.0, 0.0, 9.81]),
        foot_force=np.full(4, 30.0),
        temperature=np.full(12, 30.0),
        seq=1,
    )
    return replace(state, **changes)


def stand(**changes: Any) -> JointCommand:
    """The command to stand, except for ``changes``."""
    return replace(JointCommand.hold(STAND, INFO), **changes)


def at(joint: int, value: float, others: Any = 0.0) -> np.ndarray:
    """``others`` for every joint, but ``value`` for one."""
    values = np.array(np.broadcast_to(others, 12), float)
    values[joint] = value
    return values


def rolled(angle: float) -> np.ndarray:
    """The orientation of a body rolled by ``angle`` rad, as xyzw."""
    return np.array([np.sin(angle / 2), 0.0, 0.0, np.cos(angle / 2)])
