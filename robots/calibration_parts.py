"""The parts of a calibration: what was measured, with units in the names and the range in which it can be true."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

JOINTS, FEET = 12, 4

Numbers = tuple[float, ...]


class Within(NamedTuple):
    """What a value can be."""

    size: int  # of a list; 0 for a single number
    low: float
    high: float


@dataclass(frozen=True)
class Imu:
    """What the IMU reads of nothing, and how it is mounted. body = mounting (scale (raw - bias))."""

    gyro_bias_rad_per_s: Annotated[Numbers, Within(3, -0.5, 0.5)]
    gyro_noise_rad_per_s: Annotated[Numbers, Within(3, 0.0, 1.0)]  # standard deviation of one reading
    accel_bias_m_per_s2: Annotated[Numbers, Within(3, -3.0, 3.0)]
    accel_scale: Annotated[Numbers, Within(3, 0.8, 1.25)]
    mounting_roll_rad: Annotated[float, Within(0, -0.35, 0.35)]  # the sensor in the body: roll, then pitch
    mounting_pitch_rad: Annotated[float, Within(0, -0.35, 0.35)]
    motor_temperature_deg_c: Annotated[
        float, Within(0, -40.0, 120.0)
    ]  # mean of the motors, while it was measured


@dataclass(frozen=True)
class Joints:
    """true angle = raw - offset."""

    offset_rad: Annotated[Numbers, Within(JOINTS, -0.35, 0.35)]


@dataclass(frozen=True)
class Feet:
    """In the robot's own unit of foot force. Thresholds count from zero."""

    zero: Annotated[Numbers, Within(FEET, -1e4, 1e4)]
    noise: Annotated[Numbers, Within(FEET, 0.0, 1e4)]
    contact_on: Annotated[Numbers, Within(FEET, 1e-3, 1e4)]  # a foot in the air has landed from here on
    contact_off: Annotated[Numbers, Within(FEET, 1e-3, 1e4)]  # a foot on the ground has left it below this
    drift_per_s: Annotated[Numbers, Within(FEET, -100.0, 100.0)]


@dataclass(frozen=True)
class Motors:
    """What a motor does of what it is asked. Torques are the robot's own readings divided by ``torque_factor``."""

    coulomb_n_m: Annotated[Numbers, Within(JOINTS, 0.0, 10.0)]
    viscous_n_m_s_per_rad: Annotated[Numbers, Within(JOINTS, 0.0, 5.0)]
    kp_factor: Annotated[
        Numbers, Within(JOINTS, 0.1, 10.0)
    ]  # effective over asked, in the robot's own torque
    kd_factor: Annotated[Numbers, Within(JOINTS, 0.0, 10.0)]
    torque_factor: Annotated[
        Numbers, Within(JOINTS, 0.3, 3.0)
    ]  # torque that is read over torque that there is


@dataclass(frozen=True)
class Latency:
    """Where the time goes."""

    command_to_reading_s: Annotated[
        float, Within(0, 0.0, 1.0)
    ]  # write() to the first reading that shows its torque
    jitter_s: Annotated[float, Within(0, 0.0, 1.0)]  # standard deviation of that
    command_to_motion_s: Annotated[
        float, Within(0, 0.0, 1.0)
    ]  # write() to the joint's acceleration, as it is read
    reading_age_s: Annotated[float, Within(0, 0.0, 1.0)]  # of a reading when read() returns it


@dataclass(frozen=True)
class Sim:
    """The stand-in's parameters fitted to this robot; see ``robots.sim.fitted``."""

    latency_s: Annotated[float, Within(0, 0.0, 0.5)]  # of command and reading together
    command_interval_s: Annotated[float, Within(0, 0.001, 1.0)]
    kp_scale: Annotated[float, Within(0, 0.1, 10.0)]
    coulomb_n_m: Annotated[Numbers, Within(JOINTS, 0.0, 10.0)]
    viscous_n_m_s_per_rad: Annotated[Numbers, Within(JOINTS, 0.0, 5.0)]
    torque_scale: Annotated[Numbers, Within(JOINTS, 0.3, 3.0)]  # what a joint gets of what its motor reports


Values = Imu | Joints | Feet | Motors | Latency | Sim
PARTS: dict[str, type[Any]] = {
    "imu": Imu, "joints": Joints, "feet": Feet, "motors": Motors, "latency": Latency, "sim": Sim,
}  # fmt: skip


def ranges(kind: type[Any]) -> dict[str, Within]:
    """What the values of one part can be, by name."""
    hints = get_type_hints(kind, include_extras=True)
    return {one.name: get_args(hints[one.name])[1] for one in fields(kind)}
