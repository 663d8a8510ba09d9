"""A robot whose driver can fail, and what a test does with one that is guarded."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from robots.clock import ManualClock
from robots.fake import FakeRobot
from robots.robot import JointCommand, RobotError
from robots.safety.config import SafetyConfig

# A fake robot's IMU has no noise, so it always reads as frozen.
PERFECT = replace(SafetyConfig(), frozen_imu=float("inf"))
PERIOD = 0.05  # s


class Unreliable(FakeRobot):
    """A fake robot whose next ``failing`` writes fail with ``error``; a ``broken`` one cannot even be read."""

    def __init__(self):
        super().__init__(clock=ManualClock(start=100.0))
        self.failing, self.error = 0, RobotError("no buffer space")
        self.broken = False
        self.closed = 0

    def read(self):
        if self.broken:
            raise RobotError("gone")
        return super().read()

    def write(self, command):
        if self.failing:
            self.failing -= 1
            raise self.error
        return super().write(command)

    def close(self):
        self.closed += 1
        self.failing = 0
        super().close()


def wait(guard, seconds=PERIOD):
    guard.clock.advance(seconds)


def stand(guard, seconds=PERIOD, away=0.0):
    """One control step: command, wait, read."""
    sent = guard.write(JointCommand.hold(guard.info.stand_pos + away, guard.info))
    wait(guard, seconds)
    return sent


def equal(one, other):
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


def damps(command):
    stiff = command.kp.any() or command.torque.any() or command.vel.any()
    return not stiff and bool((command.kd > 0).all())


def found(guard):
    return [finding.fault for finding in guard.faults]
