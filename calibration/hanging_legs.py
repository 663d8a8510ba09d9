"""What the stand-in's physics makes of recorded commands, the trunk held: the model that is fitted to a motion log."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from calibration.motion_log import MotionLog
from robots.a1 import model
from robots.calibration_parts import Sim
from robots.robot import Array, JointCommand
from robots.sim.motors import Motors
from robots.sim.poses import pose
from robots.sim.stand_in import DT
from robots.sim.world import World

UNFITTED = Sim(0.004, 0.05, 1.0, (0.0,) * 12, (0.0,) * 12, (1.0,) * 12)  # the stand-in's defaults


@dataclass(frozen=True)
class Predicted:
    """What would be read, at the times of a log's readings; true angles."""

    joint_pos: Array  # [N, J] rad
    joint_vel: Array  # [N, J] rad/s
    joint_torque: Array  # [N, J] N m


@dataclass(frozen=True)
class Ticks:
    """Every physics step from a log's beginning on, without delay."""

    time: Array  # [K] s, at the end of each step
    joint_pos: Array  # [K, J]
    joint_vel: Array
    joint_torque: Array

    def at(self, time: Array, latency: float) -> Predicted:
        """What is read at ``time [N]`` s by a robot whose commands and readings are ``latency`` s late, together."""
        when = np.clip((time - latency - self.time[0]) / DT, 0.0, len(self.time) - 1.0)
        low = np.minimum(when.astype(int), len(self.time) - 2)
        share = (when - low)[:, None]

        def between(values: Array) -> Array:
            found: Array = (1 - share) * values[low] + share * values[low + 1]
            return found

        return Predicted(*(between(values) for values in (self.joint_pos, self.joint_vel, self.joint_torque)))


class HangingLegs:
    """A log's commands, simulated again and again with other parameters. Close it at the end."""

    def __init__(self, log: MotionLog, until: float):
        """Args: ``until`` [s] on the log's clock is the end of what is simulated."""
        self._info = model.info(simulated=True)
        hung = pose("hang")
        self._world = World(DT, 0.8)
        self._place = np.array([0.0, 0.0, hung.height]), hung.quat_xyzw
        self._first = log.joint_pos[0] - log.offset
        begin = log.time[0]
        self._steps = round((until - begin) / DT)
        self._begin = begin
        # The step that a command is there for: the nearest, so that rounding is early as often as late.
        due = np.rint((log.asked_at - begin) / DT).astype(int)
        commands = [
            JointCommand(*parts)
            for parts in zip(log.pos - log.offset, log.vel, log.torque, log.kp, log.kd, strict=True)
        ]
        self._due = [(int(at), command) for at, command in zip(due, commands, strict=True)]

    def run(self, sim: Sim) -> Ticks:
        """Simulate with the motors and the friction of ``sim``; its latency is for ``Ticks.at``."""
        world, info = self._world, self._info
        motors = Motors(info, DT, 0.0, sim.command_interval_s)
        motors.set_strength(sim.kp_scale, info.max_torque, np.ones(info.joints))
        world.fix(False)
        world.place(*self._place, self._first)
        world.fix(True)
        world.rub(np.array(sim.coulomb_n_m), np.array(sim.viscous_n_m_s_per_rad))
        scale = np.array(sim.torque_scale)
        rows = np.zeros((3, self._steps, info.joints))
        coming = iter([*self._due, (self._steps, self._due[-1][1])])
        at, command = next(coming)
        pos, vel = world.joint_states()
        for step in range(self._steps):
            while at <= step:
                motors.send(command)
                at, command = next(coming)
            torque = motors.torque(pos, vel)
            world.step(scale * torque)
            pos, vel = world.joint_states()
            rows[:, step] = pos, vel, torque
        return Ticks(self._begin + DT * np.arange(1, self._steps + 1), *rows)

    def close(self) -> None:
        """End the simulation."""
        self._world.close()


def part(log: MotionLog, begin: float, end: float) -> MotionLog:
    """The log's readings from ``begin`` to ``end`` s of its clock; all commands."""
    chosen = (log.time >= begin) & (log.time <= end)
    return replace(
        log, time=log.time[chosen], joint_pos=log.joint_pos[chosen], joint_vel=log.joint_vel[chosen],
        joint_torque=log.joint_torque[chosen],
    )  # fmt: skip
