"""The contract of every robot: what it tells, what it takes, and what it promises at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from robots.clock import Clock

Array = NDArray[np.float64]
NO_ROBOT = 75  # exit code of a process that finds no robot: another attempt may (EX_TEMPFAIL of sysexits.h)


class RobotError(Exception):
    """Something is wrong with the robot or with what was asked of it; the text says what to do."""


class RobotAbsent(RobotError):
    """No robot answers: it is off, its battery is being changed, its cable is out. It may be there later."""


class StaleState(RobotError):
    """No state fresh enough to act on: the robot fell silent."""


class RobotStopped(RobotError):
    """The robot's own safety has stopped it: it obeys nobody until an operator has looked at it and resets it."""


class CommandError(RobotError):
    """A command that must not reach a motor: wrong shape, not a number, or not connected."""


@dataclass(frozen=True)
class RobotInfo:
    """What is known of a robot before connecting to it. Arrays are ``[J]`` float64 in SI units."""

    name: str
    joint_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    joint_lower: Array  # rad
    joint_upper: Array  # rad
    max_torque: Array  # N m
    max_velocity: Array  # rad/s
    stand_pos: Array  # rad, the pose in which it stands
    default_kp: Array  # N m/rad
    default_kd: Array  # N m s/rad
    contact_force: float  # foot_force above this is a foot on the ground
    simulated: bool  # True: its clock is the simulator's and its failures hurt nobody

    @property
    def joints(self) -> int:
        """J, the number of joints."""
        return len(self.joint_names)

    @property
    def feet(self) -> int:
        """F, the number of feet."""
        return len(self.foot_names)


@dataclass(frozen=True)
class RobotState:
    """One reading of the sensors. Body frame: x forward, y left, z up (REP 103)."""

    time: float  # s, the robot's clock
    joint_pos: Array  # [J] rad
    joint_vel: Array  # [J] rad/s
    joint_torque: Array  # [J] N m
    quat_xyzw: Array  # [4] body to world; yaw drifts on a 6-axis IMU
    gyro: Array  # [3] rad/s, body frame
    accel: Array  # [3] m/s^2, body frame, +9.8 on z at rest upright; the mean since the reading before
    foot_force: Array  # [F] robot's own unit
    temperature: Array  # [J] degC
    seq: int  # counts readings, so that a repeated one is seen


@dataclass(frozen=True)
class JointCommand:
    """What each motor is asked: torque + kp (pos - q) + kd (vel - dq). Each ``[J]`` float64, SI."""

    pos: Array  # rad
    vel: Array  # rad/s
    torque: Array  # N m
    kp: Array  # N m/rad
    kd: Array  # N m s/rad

    @classmethod
    def hold(cls, pos: Array, info: RobotInfo) -> JointCommand:
        """Track ``pos`` [J] with the robot's default gains."""
        zero = np.zeros(info.joints)
        return cls(np.array(pos, float), zero, zero.copy(), info.default_kp.copy(), info.default_kd.copy())

    @classmethod
    def damp(cls, state: RobotState, info: RobotInfo) -> JointCommand:
        """Resist motion without holding a pose: kp 0, the default kd, at the present angles."""
        zero = np.zeros(info.joints)
        return cls(state.joint_pos.copy(), zero, zero.copy(), zero.copy(), info.default_kd.copy())


@runtime_checkable
class Robot(Protocol):
    """A robot with J position-controlled joints. A context manager: leaving it damps and closes."""

    @property
    def info(self) -> RobotInfo:
        """Readable before connecting."""
        ...

    @property
    def clock(self) -> Clock:
        """The robot's time: monotonic on hardware, the simulator's in the stand-in."""
        ...

    @property
    def stopped(self) -> str:
        """Why the robot no longer obeys, for a person; empty while it does."""
        ...

    def connect(self) -> None:
        """Open the robot and leave it passive. Raises RobotError when it is not there."""
        ...

    def read(self) -> RobotState:
        """The newest state. Never blocks. Raises StaleState when there is none fresh enough."""
        ...

    def write(self, command: JointCommand) -> JointCommand:
        """Send ``command``; return it after limits, or what a safety sends in its place. Never blocks.

        Raises CommandError on a wrong shape, a number that is not finite, or no connection; nothing moves then.
        """
        ...

    def truth(self) -> Mapping[str, Array]:
        """The simulator's own knowledge, for scoring and pictures, never for learning; empty on hardware.

        Keys: ``position [3]`` m and ``velocity [3]`` m/s in the world frame, ``quat_xyzw [4]`` body to world.
        """
        ...

    def close(self) -> None:
        """Damp, then let go. Idempotent, and safe when never connected."""
        ...

    def __enter__(self) -> Robot: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...
