"""A robot with perfect sensors and no physics: joints follow their commands, the body lies still.

For fast tests and examples. What its body senses (``quat_xyzw``, ``gyro``, ``accel``, ``foot_force``,
``temperature``) are plain attributes that a test may set, and so are its faults.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType

import numpy as np

from robots.a1 import model
from robots.clock import Clock, ManualClock, MonotonicClock
from robots.robot import (
    Array,
    CommandError,
    JointCommand,
    RobotAbsent,
    RobotError,
    RobotInfo,
    RobotState,
    StaleState,
)
from robots.safety import limits


class FakeRobot:
    """A kinematic robot, an A1 unless told otherwise.

    Faults, all off at first: ``absent`` (connect raises RobotAbsent), ``silent`` (read raises StaleState),
    ``frozen`` (read repeats the last reading for ever), ``limp`` (commands are taken and nothing moves), and
    ``stopped``, a reason for which it no longer obeys.

    Args:
        clock: its time; a ManualClock when None, so it runs as fast as possible.
        info: what robot it pretends to be; an A1 when None.
        realtime: use the computer's monotonic clock. Excludes ``clock``.
        lag: seconds in which a joint goes 63 % of the way to its target.
        start: joint angles ``[J]`` rad at the beginning; the standing pose when None.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        info: RobotInfo | None = None,
        *,
        realtime: bool = False,
        lag: float = 0.03,
        start: Array | None = None,
    ):
        if clock is not None and realtime:
            raise ValueError("give FakeRobot a clock or realtime=True, not both")
        if not lag > 0:
            raise ValueError(f"the lag of a joint is positive, got {lag} s")
        self._info = info or replace(model.info(simulated=True), name="fake")
        self._clock: Clock = clock or (MonotonicClock() if realtime else ManualClock())
        self._lag = lag
        self.commands: deque[JointCommand] = deque(maxlen=1000)  # the newest that reached the motors
        self.absent = self.silent = self.frozen = self.limp = False
        self.stopped = ""
        self.quat_xyzw = np.array([0.0, 0.0, 0.0, 1.0])
        self.gyro = np.zeros(3)
        self.accel = np.array([0.0, 0.0, 9.81])
        self.foot_force = np.zeros(self._info.feet)
        self.temperature = np.full(self._info.joints, 25.0)
        self._connected = False
        self._joint_pos = np.array(self._info.stand_pos if start is None else start, np.float64)
        self._joint_vel = np.zeros(self._info.joints)
        self._time = self._clock.now()
        self._command: JointCommand | None = None
        self._last: RobotState | None = None
        self._seq = 0

    @property
    def info(self) -> RobotInfo:
        """Readable before connecting."""
        return self._info

    @property
    def clock(self) -> Clock:
        """The clock it was given."""
        return self._clock

    def connect(self) -> None:
        """Connect, passive. Connecting twice changes nothing. Raises RobotAbsent when ``absent``."""
        if self._connected:
            return
        if self.absent:
            raise RobotAbsent(f"robot '{self._info.name}' does not answer. Set its fault `absent` to False.")
        self._connected = True
        self._time = self._clock.now()

    def read(self) -> RobotState:
        """The state now. Raises RobotError when not connected, StaleState when ``silent``."""
        if not self._connected:
            raise RobotError(f"robot '{self._info.name}' is not connected. Call connect() first.")
        if self.silent:
            raise StaleState(f"robot '{self._info.name}' fell silent. Set its fault `silent` to False.")
        moved = self._move()
        if self._last is not None and (self.frozen or not moved):
            return self._last
        self._seq += 1
        self._last = RobotState(
            time=self._time,
            joint_pos=self._joint_pos.copy(),
            joint_vel=self._joint_vel.copy(),
            joint_torque=self._torque(),
            quat_xyzw=self.quat_xyzw.copy(),
            gyro=self.gyro.copy(),
            accel=self.accel.copy(),
            foot_force=self.foot_force.copy(),
            temperature=self.temperature.copy(),
            seq=self._seq,
        )
        return self._last

    def write(self, command: JointCommand) -> JointCommand:
        """Follow ``command`` from now on; return it as clamped. On CommandError nothing moves."""
        if not self._connected:
            raise CommandError(f"robot '{self._info.name}' is not connected. Call connect() first.")
        limits.check(self._info, command)
        sent = limits.clamp(self._info, command)
        self._move()
        self._command = sent
        self.commands.append(sent)
        return sent

    def truth(self) -> Mapping[str, Array]:
        """It lies at the origin and does not move."""
        return {"position": np.zeros(3), "velocity": np.zeros(3), "quat_xyzw": self.quat_xyzw.copy()}

    def close(self) -> None:
        """Damp, then let go."""
        if not self._connected:
            return
        zero = np.zeros(self._info.joints)
        self.write(JointCommand(self._joint_pos.copy(), zero, zero, zero, self._info.default_kd))
        self._connected = False

    def __enter__(self) -> FakeRobot:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _move(self) -> bool:
        """Bring the joints to the clock's present; False when no time passed."""
        now = self._clock.now()
        dt, self._time = now - self._time, now
        if dt <= 0:
            return False
        self._joint_vel = np.zeros(self._info.joints)
        if self._command is not None and not self.limp:
            share = 1.0 - math.exp(-dt / self._lag)
            way = share * (self._command.pos - self._joint_pos)
            # A joint without stiffness holds still: there is no gravity here.
            way = np.where(self._command.kp > 0, way, 0.0)
            way = np.clip(way, -self._info.max_velocity * dt, self._info.max_velocity * dt)
            self._joint_pos = self._joint_pos + way
            self._joint_vel = way / dt
        return True

    def _torque(self) -> Array:
        """What a motor with this command would push with, ``[J]`` N m."""
        if self._command is None or self.limp:
            return np.zeros(self._info.joints)
        asked = self._command
        torque = (
            asked.torque + asked.kp * (asked.pos - self._joint_pos) + asked.kd * (asked.vel - self._joint_vel)
        )
        return np.clip(torque, -self._info.max_torque, self._info.max_torque)
