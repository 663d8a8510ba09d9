"""What the emulated A1's firmware needs to know of a body: torques go in, sensors come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from robots.robot import Array


@dataclass(frozen=True)
class Reading:
    """What the sensors say now. Body frame: x forward, y left, z up."""

    joint_pos: Array  # [12] rad
    joint_vel: Array  # [12] rad/s
    quat_xyzw: Array  # [4] body to world, unit length
    gyro: Array  # [3] rad/s
    accel: Array  # [3] m/s^2, +9.8 on z at rest upright
    foot_force: Array  # [4] N, feet FR, FL, RR, RL


class Body(Protocol):
    """Twelve joints and a trunk. Time moves in ``step`` and nowhere else."""

    dt: float  # s, what one step takes

    def joints(self) -> tuple[Array, Array]:
        """Angles [12] rad and velocities [12] rad/s, as the motors feel them: without noise."""
        ...

    def step(self, torque: Array) -> None:
        """Move on by ``dt`` with ``torque`` [12] N m in the joints."""
        ...

    def sense(self) -> Reading:
        """Every sensor, as noisy as it is."""
        ...

    def close(self) -> None:
        """Let go of what the body holds. Idempotent."""
        ...
