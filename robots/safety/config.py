"""The figures that the safety checks go by, and the same figures put together with one robot's limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property

from robots.robot import Array, RobotError, RobotInfo


@dataclass(frozen=True)
class SafetyConfig:
    """What counts as a fault. ``math.inf`` switches a check off; on a limit is still within it.

    The defaults leave a stand-in's random flailing alone (rolls of 10 rad/s, joints at 19 rad/s, 400 W)
    and were never tried on a robot.
    """

    # What is asked: reduced to this, and flagged.
    target_margin: float = 0.01  # rad that targets stay inside the joint limits
    target_rate: float = 21.0  # rad/s; how fast a target may move
    target_gap: float = 0.1  # s; a longer pause between two commands allows no larger step than this one
    target_error: float = math.inf  # rad; how far a target may be from the measured angle

    # What is measured.
    position_margin: float = 0.087  # rad outside the joint limits; 5 degrees, the vendor's
    velocity_factor: float = 1.2  # of the motor's own limit
    torque_factor: float = 1.05  # of the motor's own limit
    power: float = 800.0  # W, sum of |torque x velocity|; the vendor's PowerProtect(8)
    power_readings: int = 6  # consecutive readings above it, the last of which is the fault; the vendor's
    tilt: float = math.inf  # rad between the body's up and up; off: a robot that lies on its back is fine
    motor_warm: float = 50.0  # degC, from here on a warning
    motor_hot: float = 60.0  # degC, from here on off

    # How old things may be.
    state_hold: float = 0.1  # s
    state_damp: float = 0.5  # s
    command_hold: float = 0.2  # s, four control steps
    command_damp: float = 1.0  # s

    # What sensors can read.
    quat_norm: float = 0.05  # how far the norm may be from 1
    joint_jump: float = 0.1  # rad between two readings, beyond what ``velocity_factor`` allows in the time
    turn_jump: float = 0.2  # rad between two readings, beyond ``turn_rate`` x time
    turn_rate: float = 35.0  # rad/s, the range of a 2,000 degrees/s gyro
    frozen_imu: float = 0.5  # s with gyro and accel the same to the last bit; inf for sensors without noise
    frozen_joints: float = 0.5  # s with angles, velocities and torques the same to the last bit, ...
    frozen_moved: float = 0.05  # rad ... while a target moved this far
    still_accel: float = 1.0  # m/s^2 from 9.81, and ...
    still_gyro: float = 0.3  # rad/s: within both the accelerometer tells which way is up
    gravity_angle: float = 0.5  # rad between the accelerometer's up and the orientation's, ...
    gravity_for: float = 0.5  # s ... for so long

    # What HOLD holds.
    hold_error: float = 0.2  # rad that the held target may be from the measured angle, at every check

    @classmethod
    def of(cls, info: RobotInfo) -> SafetyConfig:
        """The usual figures. A simulated sensor may be without noise: then it repeats itself and is not broken."""
        return cls(frozen_imu=math.inf, frozen_joints=math.inf) if info.simulated else cls()

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value >= 0:
                raise RobotError(f"SafetyConfig.{field.name} is zero or more, got {value}")
        if self.power_readings < 1:
            raise RobotError(f"SafetyConfig.power_readings is one or more, got {self.power_readings}")
        pairs = (("motor_warm", "motor_hot"), ("state_hold", "state_damp"), ("command_hold", "command_damp"))
        for mild, severe in pairs:
            if getattr(self, mild) > getattr(self, severe):
                raise RobotError(
                    f"SafetyConfig.{mild} comes before {severe}, got {getattr(self, mild)} and "
                    f"{getattr(self, severe)}"
                )


@dataclass(frozen=True)
class Rules:
    """A configuration for one robot; the bounds below are ``[J]`` and computed once."""

    info: RobotInfo
    config: SafetyConfig

    def __post_init__(self) -> None:
        if not (self.target_lower <= self.target_upper).all():
            raise RobotError(
                f"target_margin {self.config.target_margin} rad leaves some joint of '{self.info.name}' no range"
            )

    @cached_property
    def target_lower(self) -> Array:
        """Smallest target, rad."""
        return self.info.joint_lower + self.config.target_margin

    @cached_property
    def target_upper(self) -> Array:
        """Largest target, rad."""
        return self.info.joint_upper - self.config.target_margin

    @cached_property
    def position_lower(self) -> Array:
        """Smallest measured angle, rad."""
        return self.info.joint_lower - self.config.position_margin

    @cached_property
    def position_upper(self) -> Array:
        """Largest measured angle, rad."""
        return self.info.joint_upper + self.config.position_margin

    @cached_property
    def velocity(self) -> Array:
        """Largest measured speed, rad/s."""
        return self.info.max_velocity * self.config.velocity_factor

    @cached_property
    def torque(self) -> Array:
        """Largest measured torque, N m."""
        return self.info.max_torque * self.config.torque_factor
