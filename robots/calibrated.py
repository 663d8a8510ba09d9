"""A robot around a robot: its readings are corrected by a calibration, and its commands by the same amount."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from robots.calibration import SENSORS, Calibration
from robots.clock import Clock
from robots.foot_contact import FootContact
from robots.robot import Array, JointCommand, Robot, RobotInfo, RobotState
from robots.safety import limits


class Calibrated:
    """``robot`` with sensors that tell the truth, as far as ``calibration`` knows it.

    - ``gyro``, ``accel`` and ``quat_xyzw`` are the body's, not the sensor's; biases and scale are taken away.
    - ``joint_pos`` is the true angle, and so is a command's.
    - ``foot_force`` is such that more than ``info.contact_force`` is contact, with each foot's own thresholds
      and hysteresis, and its zero followed as it drifts.
    - ``joint_torque`` is the robot's reading corrected by its torque constant, where ``motors`` were measured.

    What else the robot can do (``mode``, ``trip``, ``reset``, ...) is there too. The robot's own safety judges its
    raw angles; commands are bounded here to the true limits and there to the raw ones, so both hold.

    Raises:
        CalibrationError: a part that readings need was not measured, or failed.
    """

    def __init__(self, robot: Robot, calibration: Calibration):
        self._robot, self.calibration = robot, calibration
        imu, joints, self._feet = (calibration.passed(name) for name in SENSORS)
        self._gyro_bias = np.array(imu.gyro_bias_rad_per_s)
        self._accel_bias, self._accel_scale = np.array(imu.accel_bias_m_per_s2), np.array(imu.accel_scale)
        self._mount = mounting(imu.mounting_roll_rad, imu.mounting_pitch_rad)
        self._to_sensor = _quat_of(-imu.mounting_roll_rad, -imu.mounting_pitch_rad)
        self._offset = np.array(joints.offset_rad)
        motors = calibration.passed("motors") if "motors" in calibration.parts else None
        self._torque_factor = np.array(motors.torque_factor) if motors else np.ones(len(self._offset))
        self._contact = FootContact(self._feet)
        self._last: tuple[RobotState, RobotState] | None = None  # raw, corrected

    @property
    def info(self) -> RobotInfo:
        """The robot's own."""
        return self._robot.info

    @property
    def clock(self) -> Clock:
        """The robot's own."""
        return self._robot.clock

    @property
    def stopped(self) -> str:
        """The robot's own."""
        return self._robot.stopped

    @property
    def raw(self) -> Robot:
        """The robot without corrections."""
        return self._robot

    def connect(self) -> None:
        """Connect the robot; its feet are taken to have drifted nowhere yet."""
        self._contact, self._last = FootContact(self._feet), None
        self._robot.connect()

    def read(self) -> RobotState:
        """The newest state, corrected. Raises what the robot's own ``read`` raises."""
        raw = self._robot.read()
        if self._last is None or self._last[0] is not raw:
            self._last = (raw, self._corrected(raw))
        return self._last[1]

    def write(self, command: JointCommand) -> JointCommand:
        """Send ``command``, in true angles; what was really sent, in true angles. Raises CommandError."""
        limits.check(self.info, command)
        within = limits.clamp(self.info, command)
        asked = replace(within, pos=within.pos + self._offset)
        sent = self._robot.write(asked)
        # Where nothing was changed it is what was asked, to the last bit.
        return replace(sent, pos=np.where(sent.pos == asked.pos, within.pos, sent.pos - self._offset))

    def truth(self) -> Mapping[str, Array]:
        """The robot's own."""
        return self._robot.truth()

    def close(self) -> None:
        """Close the robot."""
        self._robot.close()

    def __enter__(self) -> Calibrated:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        """What only this kind of robot has."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._robot, name)

    def _corrected(self, raw: RobotState) -> RobotState:
        shares = self._contact.update(raw.foot_force, raw.time)
        return replace(
            raw,
            joint_pos=raw.joint_pos - self._offset,
            joint_torque=raw.joint_torque / self._torque_factor,
            quat_xyzw=_times(raw.quat_xyzw, self._to_sensor),
            gyro=self._mount @ (raw.gyro - self._gyro_bias),
            accel=self._mount @ (self._accel_scale * (raw.accel - self._accel_bias)),
            # The threshold itself is contact here, and must be more than it for the one who compares.
            foot_force=np.nextafter(self.info.contact_force, math.inf) * shares,
        )


def mounting(roll: float, pitch: float) -> Array:
    """``[3, 3]`` from the sensor's frame to the body's: a turn of ``roll`` rad about x, then ``pitch`` about y."""
    (sr, cr), (sp, cp) = (math.sin(roll), math.cos(roll)), (math.sin(pitch), math.cos(pitch))
    return np.array([[cp, sp * sr, sp * cr], [0.0, cr, -sr], [-sp, cp * sr, cp * cr]])


def _quat_of(roll: float, pitch: float) -> Array:
    """``[4]`` xyzw: the inverse order of ``mounting``, pitch first and then roll; of its inverse with both negated."""
    (sr, cr), (sp, cp) = (math.sin(roll / 2), math.cos(roll / 2)), (math.sin(pitch / 2), math.cos(pitch / 2))
    return np.array([sr * cp, cr * sp, sr * sp, cr * cp])


def _times(left: Array, right: Array) -> Array:
    """The rotation ``right``, then ``left``; the norm of ``left`` stays. Both ``[4]`` xyzw."""
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
