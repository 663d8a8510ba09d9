"""The emulated A1's twelve motor boards: what a LowCmd makes of the motors, tick by tick. Numbers only, no packets.

Not known of the real boards, and chosen here: how strongly mode 0 brakes; what a mode other than 0x0A and 0x00 does (it
brakes here); whether they clamp what they are asked (here only the torque is limited); how fast they run PD inside.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from robots.a1 import model, wire
from robots.a1.protocol import LowCmd
from robots.robot import Array


class Drive(Enum):
    """What the motors do, from the most to the least: the most that any of the twelve does."""

    DRIVEN = "driven"  # at least one tracks a position or a velocity, or is fed a torque
    DAMPED = "damped"  # at least one resists motion, none asks for any
    LIMP = "limp"  # no torque at all: the robot drops


class MotorBoards:
    """torque + kp (pos - q) + kd (vel - dq) of the newest command, within the motors' torque.

    PD is explicit, so it is stable only while kd dt / inertia < 2: at 2 ms an A1 calf takes kd up to about 5, a
    stretched one up to 3, where the real boards take more.
    """

    def __init__(self, brake_kd: float = 2.0):
        """Args: ``brake_kd`` [N m s/rad] is how strongly mode 0 damps."""
        self._brake_kd = brake_kd
        self.mode = np.zeros(wire.MOTORS)  # of the newest command, as LowState reports it
        self.drive = Drive.DAMPED
        self.brake()

    def brake(self) -> None:
        """Every motor damps, as in mode 0."""
        self.take(LowCmd.brake())

    def take(self, command: LowCmd) -> None:
        """Make ``command`` the present one."""
        mode, pos, vel, torque, kp, kd = (field[: wire.MOTORS] for field in command[:6])
        servo = mode == wire.SERVO
        tracks_pos = servo & (np.abs(pos) < wire.POS_STOP)
        tracks_vel = servo & (np.abs(vel) < wire.VEL_STOP)
        self.mode = mode
        self._feed = np.where(servo, torque, 0.0)
        self._pos, self._kp = np.where(tracks_pos, pos, 0.0), np.where(tracks_pos, kp, 0.0)
        self._vel = np.where(tracks_vel, vel, 0.0)
        self._kd = np.where(servo, np.where(tracks_vel, kd, 0.0), self._brake_kd)
        self.drive = self._what()

    def torque(self, pos: Array, vel: Array) -> Array:
        """Torques ``[12]`` N m of joints at ``pos`` rad moving at ``vel`` rad/s."""
        asked = self._feed + self._kp * (self._pos - pos) + self._kd * (self._vel - vel)
        limited: Array = np.minimum(np.maximum(asked, -model.MAX_TORQUE), model.MAX_TORQUE)
        return limited

    def _what(self) -> Drive:
        if self._feed.any() or self._kp.any() or (self._kd * self._vel).any():
            return Drive.DRIVEN
        return Drive.DAMPED if self._kd.any() else Drive.LIMP


def is_within_limits(command: LowCmd) -> bool:
    """Whether ``command`` asks of every motor only what an A1 may be asked; to catch a driver that does not clamp.

    A position counts where it is tracked. The wire rounds, so half a milliradian past a limit is still on it.
    """
    mode, pos, vel, torque, kp, kd = (field[: wire.MOTORS] for field in command[:6])
    servo = mode == wire.SERVO
    tracked = servo & (kp != 0) & (np.abs(pos) < wire.POS_STOP)
    moving = servo & (kd != 0) & (np.abs(vel) < wire.VEL_STOP)
    beyond = tracked & ((pos < _LOWER) | (pos > _UPPER))
    beyond |= moving & (np.abs(vel) > model.MAX_VELOCITY)
    beyond |= servo & ((np.abs(torque) > model.MAX_TORQUE) | (kp < 0) | (kd < 0))
    return not beyond.any()


_INFO = model.info(simulated=False)
_ROUNDING = 5e-4  # rad
_LOWER, _UPPER = _INFO.joint_lower - _ROUNDING, _INFO.joint_upper + _ROUNDING
