"""A rig whose robot is a fake behind a guard, so that every command can be looked at."""

import math

from robots.fake import FakeRobot
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard


class FakeRig:
    """Puts its robot nowhere: a fake one has no pose."""

    def __init__(self):
        self.robot = FakeRobot()
        self.placed = []

    def place(self, pose):
        self.placed.append(pose)
        # Its body lies still to the last digit, which is no fault here.
        guard = SafetyGuard(self.robot, SafetyConfig(frozen_imu=math.inf))
        guard.connect()
        self.guard = guard
        return guard

    def close(self):
        self.guard.close()
