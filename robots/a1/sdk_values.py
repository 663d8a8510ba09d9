"""What the vendor's Python bindings take and give, to and from our packets. Numbers only: no sockets, no clock.

The bindings that people built (motion_imitation's and its descendants) share one form: ``send_command`` takes 60
numbers, q, Kp, dq, Kd, tau of each motor in turn, and always asks for servo mode; ``receive_observation`` gives an
object with the field names of the vendor's header file, and the same one again while nothing new came.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from robots.a1 import model, wire
from robots.a1.protocol import LowCmd, LowState, PacketError, encode_state
from robots.robot import JointCommand, RobotError
from robots.safety import limits

_INFO = model.info(simulated=False)
_ZERO = np.zeros(wire.MOTORS)


def damping() -> list[float]:
    """The 60 numbers that resist motion and hold no pose."""
    return _sixty(JointCommand(_INFO.stand_pos, _ZERO, _ZERO, _ZERO, _INFO.default_kd))


def motor_commands(low: LowCmd) -> list[float]:
    """The 60 numbers of ``low``. One that is no plain servo command becomes damping, as brake does.

    The bindings know no other mode than servo, so "track no velocity" would be 16,000 rad/s to them.
    """
    motors = slice(wire.MOTORS)
    pos, vel, torque, kp, kd = (field[motors] for field in low[1:6])
    plain = (low.mode[motors] == wire.SERVO).all() and (np.abs(pos) < wire.POS_STOP).all()
    if not plain or not (np.abs(vel) < wire.VEL_STOP).all():
        return damping()
    return _sixty(limits.clamp(_INFO, JointCommand(pos, vel, torque, kp, kd)))


def state_packet(state: Any) -> bytes | None:
    """The 771 bytes of what ``receive_observation`` gave; None when no robot has filled it yet.

    Raises:
        RobotError: a field is missing, or holds what no robot sends.
    """
    try:
        imu, motors = state.imu, list(state.motorState)[: wire.MOTORS]
        quat = np.array(imu.quaternion, np.float64)
        if not quat.any():
            return None
        low = LowState(
            quat_wxyz=quat,
            gyro=np.array(imu.gyroscope, np.float64),
            accel=np.array(imu.accelerometer, np.float64),
            rpy=np.array(imu.rpy, np.float64),
            mode=_slots(motor.mode for motor in motors),
            pos=_slots(motor.q for motor in motors),
            vel=_slots(motor.dq for motor in motors),
            acc=_slots(motor.ddq for motor in motors),
            torque=_slots(motor.tauEst for motor in motors),
            temperature=_slots(motor.temperature for motor in motors),
            foot_force=np.array(state.footForce, np.float64),
            tick=int(state.tick) % 2**32,
            remote=bytes(int(value) & 0xFF for value in state.wirelessRemote),
        )
        return encode_state(low)
    except (AttributeError, TypeError, ValueError) as error:
        raise RobotError(
            f"this module's LowState is not an A1's: {error}. Build it against unitree_legged_sdk v3.2 to v3.3.4."
        ) from error


def is_reading(error: RobotError) -> bool:
    """Whether ``error`` is about one reading (a number that is not finite), and not about the module."""
    return isinstance(error, PacketError)


def _sixty(command: JointCommand) -> list[float]:
    columns = (command.pos, command.kp, command.vel, command.kd, command.torque)
    numbers: list[float] = np.stack(columns, axis=1).ravel().tolist()
    return numbers


def _slots(values: Iterable[float]) -> Any:
    """``[20]``: the twelve motors, and zeros where there is none."""
    slots = np.zeros(wire.SLOTS)
    slots[: wire.MOTORS] = list(values)
    return slots
