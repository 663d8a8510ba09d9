"""The limits of a command: pure functions that every driver applies before anything moves.

``check`` refuses what makes no sense; ``clamp`` bounds what does. A driver's ``write`` calls both, in this
order. ``Brake`` is for whoever runs the motors' fast loop.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from robots.robot import Array, CommandError, JointCommand, RobotInfo

MAX_KP = 200.0  # N m/rad
MAX_KD = 20.0  # N m s/rad
END_ZONE = 0.3  # rad before a joint's limit in which running into it is braked
END_KD = 5.0  # N m s/rad at the limit; an explicit PD loop of 2 ms is stable up to about there

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


class Brake:
    """Damping that grows towards ``END_KD`` for joints that run into a limit, in proportion over the last ``END_ZONE``.

    It never falls below what was asked for. Damping acts against the speed in excess of what was commanded, so that
    what grows here never pushes a joint towards its limit.
    """

    def __init__(self, info: RobotInfo):
        """For a robot's limits."""
        self._centre = (info.joint_lower + info.joint_upper) / 2
        self._half = (info.joint_upper - info.joint_lower) / 2
        self._free = self._half - END_ZONE  # from the centre, rad

    def __call__(self, pos: Array, excess: Array, kd: Array) -> Array:
        """The damping [J] to use; ``kd`` itself where no joint is near a limit.

        Args:
            pos: [J] rad. A joint whose numbers are no numbers is left alone.
            excess: [J] rad/s; how much faster a joint is than its commanded velocity.
            kd: [J] N m s/rad, as commanded.
        """
        away = pos - self._centre
        if (np.abs(away) <= self._free).all():
            return kd
        room = self._half - np.where(excess > 0, away, -away)
        share = np.fmin(np.fmax(1.0 - room / END_ZONE, 0.0), 1.0)  # a NaN becomes 0
        grown: Array = kd + share * np.maximum(END_KD - kd, 0.0)
        return grown
