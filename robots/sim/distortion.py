"""What is wrong with a simulated robot, on purpose: sensors that lie, motors that rub, and time that passes.

A calibration must find these again. Plain data, so that it reaches an emulated robot as JSON.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from robots.robot import Array, RobotError

_SIZES = {
    "gyro_bias": 3, "gyro_drift": 3, "accel_bias": 3, "accel_scale": 3, "joint_offset": 12, "foot_zero": 4,
    "foot_drift": 4, "coulomb": 12, "viscous": 12, "torque_scale": 12, "wired_to": 12, "turns": 12,
}  # fmt: skip


@dataclass(frozen=True)
class Distortion:
    """The truth that a calibration has to find. The defaults distort nothing."""

    gyro_bias: Sequence[float] = (0.0, 0.0, 0.0)  # rad/s
    gyro_drift: Sequence[float] = (0.0, 0.0, 0.0)  # rad/s per s
    accel_bias: Sequence[float] = (0.0, 0.0, 0.0)  # m/s^2, added to what is felt times ``accel_scale``
    accel_scale: Sequence[float] = (1.0, 1.0, 1.0)
    mounting_roll: float = (
        0.0  # rad; the IMU's frame in the body: a turn about x, then ``mounting_pitch`` about y
    )
    mounting_pitch: float = 0.0  # rad
    joint_offset: Sequence[float] = (0.0,) * 12  # rad, that encoders read too much; motors go by them
    foot_zero: Sequence[float] = (0.0,) * 4  # N, read in the air
    foot_drift: Sequence[float] = (0.0,) * 4  # N per s
    coulomb: Sequence[float] = (0.0,) * 12  # N m
    viscous: Sequence[float] = (0.0,) * 12  # N m s/rad
    torque_scale: Sequence[float] = (1.0,) * 12  # what a joint gets of what its motor reports
    sensor_delay: float = 0.0  # s, that a reading is old
    command_delay: float = 0.0  # s, on top of the robot's own
    wired_to: Sequence[int] = tuple(range(12))  # the joint that each motor's plug leads to, and its encoder's
    turns: Sequence[float] = (1.0,) * 12  # of each plug: -1.0 where motor and encoder turn the other way

    def __post_init__(self) -> None:
        for name, size in _SIZES.items():
            value = np.asarray(getattr(self, name), float)
            if value.shape != (size,) or not np.isfinite(value).all():
                raise RobotError(f"Distortion.{name} is {size} finite numbers, got {getattr(self, name)}")
        for name in ("coulomb", "viscous", "torque_scale", "accel_scale"):
            if min(getattr(self, name)) < 0:
                raise RobotError(f"Distortion.{name} is zero or more, got {getattr(self, name)}")
        if sorted(self.wired_to) != list(range(12)):
            raise RobotError(f"Distortion.wired_to has every joint from 0 to 11 once, got {self.wired_to}")
        if any(abs(turn) != 1.0 for turn in self.turns):
            raise RobotError(f"Distortion.turns are 1.0 or -1.0, got {self.turns}")
        for name in ("sensor_delay", "command_delay"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise RobotError(f"Distortion.{name} is 0 to 0.5 s, got {getattr(self, name)}")

    @classmethod
    def of(cls, given: Distortion | Mapping[str, Any] | None) -> Distortion:
        """From plain data. Raises RobotError on a name that there is not."""
        if given is None or isinstance(given, cls):
            return given or cls()
        if not isinstance(given, Mapping):
            raise RobotError(f"a distortion is values by name, got {given}")
        if unknown := given.keys() - {one.name for one in fields(cls)}:
            raise RobotError(f"a distortion has no {', '.join(sorted(unknown))}")
        return cls(**given)

    @property
    def is_none(self) -> bool:
        """True when it distorts nothing."""
        return self == Distortion()


class Sensed(NamedTuple):
    """What the distorted sensors say, in the order of a reading."""

    joint_pos: Array  # [12] rad
    quat_xyzw: Array  # [4]
    gyro: Array  # [3] rad/s
    accel: Array  # [3] m/s^2
    foot_force: Array  # [4] N


class Distorter:
    """Applies a Distortion to what a simulator knows."""

    def __init__(self, distortion: Distortion):
        self.distortion = d = distortion
        self.joint_offset = np.array(d.joint_offset, float)
        self._torque_scale = np.array(d.torque_scale, float)
        self._wired_to, self._turns = np.array(d.wired_to), np.array(d.turns, float)
        self._plug_of = np.argsort(self._wired_to)
        self._gyro = np.array(d.gyro_bias, float), np.array(d.gyro_drift, float)
        self._accel = np.array(d.accel_bias, float), np.array(d.accel_scale, float)
        self._foot = np.array(d.foot_zero, float), np.array(d.foot_drift, float)
        (sr, cr), (sp, cp) = ((math.sin(a), math.cos(a)) for a in (d.mounting_roll / 2, d.mounting_pitch / 2))
        self._mounting = np.array([sr * cp, cr * sp, -sr * sp, cr * cp])  # xyzw, sensor to body
        x, y, z, w = self._mounting
        self._to_sensor = np.array(  # its inverse as a matrix
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
                [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
                [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        self.is_none = distortion.is_none
        self._is_wired_well = tuple(d.wired_to) == tuple(range(12)) and all(turn == 1.0 for turn in d.turns)
        self._gives_all = self._is_wired_well and all(scale == 1.0 for scale in d.torque_scale)

    def sense(self, sensed: Sensed, seconds: float) -> Sensed:
        """What the sensors make of ``sensed`` after ``seconds`` of life."""
        if self.is_none:
            return sensed
        (gyro_bias, gyro_drift), (accel_bias, accel_scale) = self._gyro, self._accel
        foot_zero, foot_drift = self._foot
        return Sensed(
            joint_pos=self.encoder(sensed.joint_pos),
            quat_xyzw=_product(sensed.quat_xyzw, self._mounting),
            gyro=self._to_sensor @ sensed.gyro + gyro_bias + gyro_drift * seconds,
            accel=accel_scale * (self._to_sensor @ sensed.accel) + accel_bias,
            foot_force=sensed.foot_force + foot_zero + foot_drift * seconds,
        )

    def encoder(self, pos: Array) -> Array:
        """What the motors take for the joints' angles ``pos`` ``[12]`` rad."""
        return pos if self.is_none else self.wired(pos) + self.joint_offset

    def wired(self, values: Array) -> Array:
        """What is at the plugs ``[12]`` of what the joints have: angles without offset, or speeds."""
        return values if self._is_wired_well else self._turns * values[self._wired_to]

    def vary(self, factor: Array) -> None:
        """From now on joints get ``factor`` ``[12]`` of what the distortion gives them."""
        self._torque_scale = np.array(self.distortion.torque_scale, float) * factor
        self._gives_all = self._is_wired_well and bool((self._torque_scale == 1.0).all())

    def torque(self, asked: Array) -> Array:
        """What the joints get ``[12]`` N m of what the motors report."""
        return asked if self._gives_all else self._torque_scale * (self._turns * asked)[self._plug_of]


class Delay:
    """Values that come out a number of steps after they went in."""

    def __init__(self, seconds: float, dt: float):
        self.steps = round(seconds / dt)
        self._line: deque[Any] = deque(maxlen=self.steps + 1)

    def __call__(self, value: Any) -> Any:
        """Put in the newest, get the one of ``steps`` calls ago, or the oldest that there is."""
        self._line.append(value)
        return self._line[0]


def _product(left: Array, right: Array) -> Array:
    x, y, z, w = left.tolist()
    a, b, c, d = right.tolist()
    return np.array(
        [
            w * a + x * d + y * c - z * b,
            w * b - x * c + y * d + z * a,
            w * c + x * b - y * a + z * d,
            w * d - x * a - y * b - z * c,
        ]
    )
