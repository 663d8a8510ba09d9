"""The limits of a command: pure functions that every driver applies before anything moves.

``check`` refuses what makes no sense; ``clamp`` bounds what does. A driver's ``write`` calls both, in this
order.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from robots.robot import CommandError, JointCommand, RobotInfo

MAX_KP = 200.0  # N m/rad
MAX_KD = 20.0  # N m s/rad

_FIELDS = tuple(field.name for field in fields(JointCommand))


def check(info: RobotInfo, command: JointCommand) -> None:
    """Refuse a command that must not be guessed at.

    Raises:
        CommandError: a field is no array of J real numbers, or one of its numbers is not finite.
    """
    for name in _FIELDS:
        value = getattr(command, name)
        if not isinstance(value, np.ndarray) or value.shape != (info.joints,):
            came = f"shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
            raise CommandError(
                f"command.{name}: expected an array of shape ({info.joints},), one number for each joint "
                f"of '{info.name}', got {came}. Nothing was sent."
            )
        if value.dtype.kind not in "fiu":
            raise CommandError(
                f"command.{name}: expected real numbers, got dtype {value.dtype}. Nothing was sent."
            )
        finite = np.isfinite(value)
        if not finite.all():
            worst = int(finite.argmin())
            raise CommandError(
                f"command.{name}: expected finite numbers, got {value[worst]} for joint "
                f"'{info.joint_names[worst]}'. Nothing was sent; look at what computed it."
            )


def clamp(info: RobotInfo, command: JointCommand) -> JointCommand:
    """Bound a checked command to what the robot may be asked; float64 copies, ``command`` is left alone.

    Position goes into the joint limits, velocity and torque to at most the motor's own, gains into
    ``[0, MAX_KP]`` and ``[0, MAX_KD]``: a negative gain would drive a joint away from its target.
    """
    return JointCommand(
        pos=np.clip(command.pos.astype(np.float64), info.joint_lower, info.joint_upper),
        vel=np.clip(command.vel.astype(np.float64), -info.max_velocity, info.max_velocity),
        torque=np.clip(command.torque.astype(np.float64), -info.max_torque, info.max_torque),
        kp=np.clip(command.kp.astype(np.float64), 0.0, MAX_KP),
        kd=np.clip(command.kd.astype(np.float64), 0.0, MAX_KD),
    )
