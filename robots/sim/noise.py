"""Sensor noise of the stand-in: white, Gaussian, seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from robots.robot import Array, RobotError


@dataclass(frozen=True)
class NoiseConfig:
    """Standard deviation of every sensor. The defaults are plausible for an A1, not measured on one."""

    joint_pos: float = 0.002  # rad
    joint_vel: float = 0.05  # rad/s
    joint_torque: float = 0.1  # N m
    orientation: float = 0.005  # rad, about each axis
    gyro: float = 0.02  # rad/s
    accel: float = 0.1  # m/s^2
    foot_force: float = 1.0  # N

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"noise {field.name} is a standard deviation, zero or more; got {value}")

    @classmethod
    def of(cls, given: NoiseConfig | Mapping[str, Any] | None) -> NoiseConfig:
        """From plain data, the others as they are by default. Raises RobotError on a name that there is not."""
        if given is None or isinstance(given, cls):
            return given or cls()
        names = [field.name for field in fields(cls)]
        if not isinstance(given, Mapping) or not given.keys() <= set(names):
            raise RobotError(f"noise has standard deviations of {', '.join(names)}; got {given}")
        return cls(**given)

    @classmethod
    def none(cls) -> NoiseConfig:
        """Perfect sensors."""
        return cls(**{field.name: 0.0 for field in fields(cls)})


class Noise:
    """Draws what is added to a perfect reading. The draw order is fixed, so a seed fixes a trajectory."""

    def __init__(self, config: NoiseConfig, rng: np.random.Generator):
        self.config = config
        self._rng = rng

    def add(self, value: Array, std: float) -> Array:
        """``value`` plus white noise of standard deviation ``std``."""
        noisy: Array = value + std * self._rng.standard_normal(value.shape)
        return noisy

    def turn(self, quat_xyzw: Array) -> Array:
        """The orientation turned by a small random rotation, normalised."""
        half = 0.5 * self.config.orientation * self._rng.standard_normal(3)
        x, y, z, w = quat_xyzw
        a, b, c = half  # the small rotation is (a, b, c, 1), multiplied from the left
        turned = np.array(
            [
                x + a * w + b * z - c * y,
                y + b * w + c * x - a * z,
                z + c * w + a * y - b * x,
                w - a * x - b * y - c * z,
            ]
        )
        unit: Array = turned / np.linalg.norm(turned)
        return unit
