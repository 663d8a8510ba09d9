"""The PyBullet A1 as a body for the emulated firmware: the stand-in's world and noise, at the motors' own rate."""

from __future__ import annotations

import math

import numpy as np

from robots.a1 import model
from robots.a1.body import Reading
from robots.a1.motor_boards import MotorBoards
from robots.a1.protocol import LowCmd
from robots.robot import Array, JointCommand, RobotError
from robots.sim.distortion import Distorter, Distortion, Sensed
from robots.sim.noise import Noise, NoiseConfig
from robots.sim.poses import pose
from robots.sim.world import GRAVITY, Base, World


class SimBody:
    """One A1 on flat ground. PyBullet is imported when a body is made, not before."""

    def __init__(
        self,
        start: str = "belly",
        noise: NoiseConfig | None = None,
        friction: float = 0.8,
        yaw_drift: float = 0.0005,
        seed: int = 0,
        dt: float = 0.002,
        gui: bool = False,
        distortion: Distortion | None = None,
    ):
        """Build the world and let the robot settle in its pose.

        Args:
            start: "back", "belly" or "stand". Standing, it drops as soon as time moves, unless it is commanded.
            noise: sensor noise; an A1's plausible one by default.
            friction: between robot and ground.
            yaw_drift: rad/s, by which the IMU's yaw runs away; it has no compass.
            seed: fixes the noise and the start pose.
            dt: s, physics step and motor tick.
            gui: open PyBullet's window.
            distortion: what is wrong with sensors and joints; its delays are the line's, and not looked at here.

        Raises:
            RobotError: no such pose, or PyBullet is not installed.
        """
        chosen = pose(start)
        if not 0 < dt <= 0.01:
            raise RobotError(f"a motor tick is between 0 and 0.01 s, got {dt}")
        self.dt = dt
        rng = np.random.default_rng(seed)
        self._noise = Noise(noise or NoiseConfig(), rng)
        self._yaw_drift = yaw_drift
        self._distorter = Distorter(distortion or Distortion())
        self._seconds = 0.0
        self.world = World(dt, friction, gui=gui)
        wrong = self._distorter.distortion
        self.world.rub(np.array(wrong.coulomb), np.array(wrong.viscous))
        joints = chosen.joints(rng, 0.0)
        self.world.place(np.array([0.0, 0.0, chosen.height]), chosen.quat_xyzw, joints)
        self.world.fix(chosen.fixed)
        boards = MotorBoards()
        if chosen.held:
            boards.take(LowCmd.servo(JointCommand.hold(joints, model.info(simulated=True))))
        for _ in range(round(chosen.settle / dt)):
            self.world.step(self._distorter.torque(boards.torque(*self.joints())))
        self._now = self.world.base()
        self._accel = self._now.rotation.T @ np.array([0.0, 0.0, GRAVITY])

    def joints(self) -> tuple[Array, Array]:
        """Angles [12] rad as the encoders have them, and velocities [12] rad/s; without noise."""
        pos, vel = self.world.joint_states()
        return self._distorter.encoder(pos), self._distorter.wired(vel)

    def step(self, torque: Array) -> None:
        """Move on by ``dt`` with ``torque`` [12] N m."""
        before = self._now
        self.world.step(self._distorter.torque(torque))
        self._seconds += self.dt
        self._now = self.world.base()
        gained = (self._now.velocity - before.velocity) / self.dt + np.array([0.0, 0.0, GRAVITY])
        self._accel = self._now.rotation.T @ gained

    def sense(self) -> Reading:
        """Every sensor, with noise. The accelerometer's is the mean over the last step."""
        noise, std = self._noise, self._noise.config
        pos, vel = self.world.joint_states()
        rate = self._now.rotation.T @ self._now.angular
        sensed = self._distorter.sense(
            Sensed(pos, self._now.quat_xyzw, rate, self._accel, self.world.foot_force()), self._seconds
        )
        return Reading(
            joint_pos=noise.add(sensed.joint_pos, std.joint_pos),
            joint_vel=noise.add(self._distorter.wired(vel), std.joint_vel),
            quat_xyzw=_turned(noise.turn(sensed.quat_xyzw), self._yaw_drift * self._seconds),
            gyro=noise.add(sensed.gyro, std.gyro),
            accel=noise.add(sensed.accel, std.accel),
            foot_force=noise.add(sensed.foot_force, std.foot_force),
        )

    def truth(self) -> Base:
        """Where the trunk is and how it moves, exactly; for tests and scores."""
        return self._now

    def close(self) -> None:
        """Take the world down. Idempotent."""
        self.world.close()


def _turned(quat_xyzw: Array, yaw: float) -> Array:
    """The orientation after a turn of ``yaw`` rad about the world's z."""
    x, y, z, w = quat_xyzw.tolist()
    s, c = math.sin(yaw / 2), math.cos(yaw / 2)
    return np.array([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z])
