"""The twelve motors of the stand-in: a late command, a ramp to its target, PD, and a torque limit.

This is what the servo process and the motor boards do on the robot, at one physics step a tick. No simulator in
here: angles and velocities in, torques out.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from robots.robot import Array, JointCommand, RobotInfo


class Motors:
    """PD control at the physics rate, after ``latency``.

    A new target is reached by linear interpolation over ``command_interval``; gains, velocity and torque change at
    once. Until the first command, and after ``release``, the motors damp (kp 0 and the default kd).

    PD is explicit, so it is stable only while kd dt / inertia < 2: with dt 2 ms an A1 calf takes kd up to about 5, a
    stretched one up to 3.
    """

    def __init__(
        self, info: RobotInfo, dt: float, latency: float, command_interval: float, error_clip: float = 0.2
    ):
        """Make the motors.

        Args:
            info: the robot's limits and default gains.
            dt: seconds from one ``torque`` call to the next.
            latency: seconds from ``send`` to the first torque it changes, rounded to whole steps.
            command_interval: seconds over which the target moves from the last one to the new one.
            error_clip: rad; a larger position error pulls no harder. Bounds the blow of a far target.
        """
        self.latency_steps = round(latency / dt)
        ticks = max(command_interval / dt, 1.0)
        ticks = round(ticks) if math.isclose(ticks, round(ticks)) else ticks
        self._fractions = np.minimum(np.arange(1, math.ceil(ticks) + 1) / ticks, 1.0)[:, None]
        self._error_clip = error_clip
        self._kp_scale, self._max_torque = 1.0, info.max_torque
        self._share = np.ones(len(info.max_torque))
        self._default_kd = info.default_kd
        self._step = 0
        self._queue: deque[tuple[int, JointCommand]] = deque()
        self.release()

    def set_strength(self, kp_scale: float, max_torque: Array, share: Array) -> None:
        """Make the motors other than they were told to be, from the next tick on.

        Args:
            kp_scale: the position gain they have, over the one in the command.
            max_torque: [J] N m, where they saturate.
            share: [J] in [0, 1]; how much of its torque each motor gives.
        """
        self._kp_scale, self._max_torque, self._share = kp_scale, max_torque, share

    def release(self) -> None:
        """Forget every command and damp."""
        joints = len(self._max_torque)
        self._queue.clear()
        self._kp, self._kd = np.zeros(joints), self._default_kd.copy()
        self._vel, self._feed = np.zeros(joints), np.zeros(joints)
        self._target = np.zeros(joints)  # meaningless while kp is 0
        self._ramp, self._ramp_at = np.zeros((0, joints)), 0

    def send(self, command: JointCommand, late: int = 0) -> None:
        """Put ``command`` on its way to the motors; it arrives after the latency and ``late`` steps more."""
        self._queue.append((self._step + self.latency_steps + late, command))

    def torque(self, pos: Array, vel: Array) -> Array:
        """One tick: torques [J] N m for joints at ``pos`` [J] rad moving at ``vel`` [J] rad/s."""
        while self._queue and self._queue[0][0] <= self._step:
            self._take(self._queue.popleft()[1], pos)
        self._step += 1
        if self._ramp_at < len(self._ramp):
            self._target = self._ramp[self._ramp_at]
            self._ramp_at += 1
        # minimum and maximum rather than clip, which costs three times as much on twelve numbers
        error = np.minimum(np.maximum(self._target - pos, -self._error_clip), self._error_clip)
        torque = self._feed + self._kp_scale * self._kp * error + self._kd * (self._vel - vel)
        given: Array = self._share * np.minimum(np.maximum(torque, -self._max_torque), self._max_torque)
        return given

    def _take(self, command: JointCommand, pos: Array) -> None:
        """Make ``command`` the present one. A joint that was not tracking starts its ramp from where it is."""
        start = np.where(self._kp > 0, self._target, pos)
        self._ramp = start + self._fractions * (command.pos - start)
        self._ramp_at = 0
        self._kp, self._kd = command.kp, command.kd
        self._vel, self._feed = command.vel, command.torque
