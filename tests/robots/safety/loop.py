"""The decision called again and again, as a guard does, by the hand of a test."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np

from robots.safety.core import Memory, Moment, check
from tests.robots.safety.readings import INFO, reading, rules

STEP = 0.05  # s


class Loop:
    """Calls ``check`` again and again, as a guard does."""

    def __init__(self, **changes):
        # Readings made by hand have no noise, and 1 rad in a step is no leap here.
        self.rules = rules(**{"frozen_imu": math.inf, "target_rate": 20.0} | changes)
        self.now, self.seq, self.command_age = 10.0, 1, 0.0
        self.memory = Memory.begin(self.now)

    def step(self, command=None, dt=STEP, alarms=(), new=True, **sensed):
        """One check with a new reading, unless ``new`` is False; ``state=None`` for none."""
        self.now += dt
        self.seq += new
        state = sensed["state"] if "state" in sensed else reading(seq=self.seq, time=self.now, **sensed)
        self.command_age += dt
        verdict = check(self.rules, Moment(self.now, self.command_age, alarms), state, command, self.memory)
        if command is not None:
            self.command_age = 0.0
        self.memory = verdict.memory
        return verdict

    @property
    def mode(self):
        return self.memory.mode


def names(verdict):
    return [finding.fault for finding in verdict.faults]


def same(one, other):
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(one))


def passive(command):
    return (
        not command.kp.any()
        and not command.torque.any()
        and not command.vel.any()
        and np.array_equal(command.kd, INFO.default_kd)
    )
