"""The A1's low-level packets as typed values: bytes in, values out, and back. No sockets, no clock, no state.

Encoding clamps every number to what its field can hold, because a fixed-point field that overflows would wrap: 128 N m
asked would be -128 N m done. These are the limits of the wire; the limits of the robot are kept by
``robots.safety.limits``, before a command comes here.

Decoding accepts a packet of the right length, with the right checksum, and with finite numbers wherever a driver looks:
position and velocity of the twelve motors, and the IMU. For any other bytes it raises ``PacketError``, never anything
else. Reserve words are sent as zero and not read.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

import numpy as np

from robots.a1 import crc, wire
from robots.a1.fields import MotorFields, PacketError, as_numbers, clamped, limits, refuse
from robots.robot import Array, JointCommand

__all__ = [
    "Header",
    "LowCmd",
    "LowState",
    "Packet",
    "PacketError",
    "decode_command",
    "decode_state",
    "encode_command",
    "encode_state",
]

Packet = bytes | bytearray | memoryview

_COMMAND_MOTORS = MotorFields(wire.COMMAND_MOTOR, wire.SLOTS, wire.COMMAND_MOTORS_AT, wire.SCALE)
_STATE_MOTORS = MotorFields(wire.STATE_MOTOR, wire.SLOTS, wire.STATE_MOTORS_AT, wire.SCALE)
# What a state says of the body: 13 numbers of the IMU, then two forces of each foot.
_BODY = ("f4",) * 13 + ("i2",) * 8
_BODY_LOW, _BODY_HIGH = np.array([limits(kind) for kind in _BODY]).T


class Header(NamedTuple):
    """What every packet begins with. The vendor's client leaves all but ``level`` zero."""

    level: int = wire.LOW_LEVEL
    version: int = 0
    robot_id: int = 0
    serial: int = 0
    band_width: int = 0


def _nothing(size: int) -> Array:
    """Zeros to share as a default; nobody can write to them."""
    zeros = np.zeros(size)
    zeros.flags.writeable = False
    return zeros


# The two packets are named tuples: a frozen dataclass of so many fields takes 5 us to make, a tuple less than one.


class LowCmd(NamedTuple):
    """One command packet. Arrays have a number for each of the 20 slots, motors first; float64 in SI units."""

    mode: Array  # [20] wire.SERVO or wire.BRAKE
    pos: Array  # [20] rad, or wire.POS_STOP
    vel: Array  # [20] rad/s, or wire.VEL_STOP
    torque: Array  # [20] N m, fed forward
    kp: Array  # [20] N m/rad
    kd: Array  # [20] N m s/rad
    header: Header = Header()
    led: bytes = bytes(12)  # r, g, b of four
    remote: bytes = bytes(40)

    @classmethod
    def servo(cls, command: JointCommand) -> LowCmd:
        """Every motor does ``command``, whose arrays are ``[12]``; the slots without a motor track nothing.

        Raises:
            PacketError: an array has another shape.
        """
        packet = cls._passive(wire.SERVO)
        for name in ("pos", "vel", "torque", "kp", "kd"):
            value = as_numbers(f"command.{name}", np.array, getattr(command, name), (wire.MOTORS,))
            getattr(packet, name)[: wire.MOTORS] = value
        return packet

    @classmethod
    def brake(cls) -> LowCmd:
        """Every motor damps in its own way: mode 0. How strongly is the robot's secret."""
        return cls._passive(wire.BRAKE)

    @classmethod
    def _passive(cls, mode: int) -> LowCmd:
        """Nothing tracked in any slot, as the vendor's client begins."""
        stop_pos, stop_vel = np.full(wire.SLOTS, wire.POS_STOP), np.full(wire.SLOTS, wire.VEL_STOP)
        torque, kp, kd = np.zeros((3, wire.SLOTS))
        return cls(np.full(wire.SLOTS, float(mode)), stop_pos, stop_vel, torque, kp, kd)


class LowState(NamedTuple):
    """One state packet. Motor arrays have a number for each of the 20 slots, motors first; all float64."""

    quat_wxyz: Array  # [4] body to world as the IMU sent it, not normalised here
    gyro: Array  # [3] rad/s
    accel: Array  # [3] m/s^2, +9.8 on z at rest upright
    rpy: Array  # [3] rad
    mode: Array  # [20]
    pos: Array  # [20] rad
    vel: Array  # [20] rad/s
    acc: Array  # [20] rad/s^2, whole numbers
    torque: Array  # [20] N m, the robot's estimate
    temperature: Array  # [20] degC, whole numbers
    foot_force: Array  # [4] whole numbers in a unit that is not known
    foot_force_est: Array = _nothing(4)  # [4] the same
    tick: int = 0  # milliseconds in every deployment seen; wraps at 2^32
    imu_temperature: int = 0  # degC
    pos_raw: Array = _nothing(wire.SLOTS)  # [20] meaning not known, and the next two
    vel_raw: Array = _nothing(wire.SLOTS)
    acc_raw: Array = _nothing(wire.SLOTS)
    header: Header = Header()
    remote: bytes = bytes(40)


def encode_command(command: LowCmd) -> bytes:
    """The 610 bytes of ``command``.

    Raises:
        PacketError: a number is not finite, or a field has the wrong shape or size.
    """
    packet = bytearray(wire.COMMAND_BYTES)
    _COMMAND_MOTORS.write(packet, command)
    led, remote = _sized("led", command.led, 12), _sized("remote", command.remote, 40)
    try:
        wire.HEADER.pack_into(packet, 0, *command.header)
        wire.COMMAND_TAIL.pack_into(packet, wire.COMMAND_TAIL_AT, led, remote, 0, 0)
    except struct.error as error:
        refuse("header", "integers that fit their fields", f"{command.header} ({error})")
    return crc.seal(packet)


def decode_command(packet: Packet) -> LowCmd:
    """What a command packet asks, as the emulated robot reads it.

    Raises:
        PacketError: wrong length, wrong checksum, or a motor's position or velocity that is not finite.
    """
    data = _intact(packet, wire.COMMAND_BYTES, "LowCmd")
    motors = _COMMAND_MOTORS.read(data)
    _check_finite("LowCmd", motors["pos"], motors["vel"])
    led, remote, _, _ = wire.COMMAND_TAIL.unpack_from(data, wire.COMMAND_TAIL_AT)
    return LowCmd(**motors, header=Header(*wire.HEADER.unpack_from(data, 0)), led=led, remote=remote)


def encode_state(state: LowState) -> bytes:
    """The 771 bytes of ``state``, as the emulated robot sends it. Angles and forces are clamped as in a command.

    Raises:
        PacketError: a number is not finite, or a field has the wrong shape or size.
    """
    packet = bytearray(wire.STATE_BYTES)
    _STATE_MOTORS.write(packet, state)
    imu, feet = (
        (state.quat_wxyz, state.gyro, state.accel, state.rpy),
        (state.foot_force, state.foot_force_est),
    )
    numbers = as_numbers("imu, foot_force", np.concatenate, imu + feet, (len(_BODY),))
    body = clamped("imu, foot_force", numbers, _BODY_LOW, _BODY_HIGH).tolist()
    remote = _sized("remote", state.remote, 40)
    try:
        wire.HEADER.pack_into(packet, 0, *state.header)
        wire.IMU.pack_into(packet, wire.IMU_AT, *body[:13], state.imu_temperature)
        wire.FEET.pack_into(packet, wire.FEET_AT, *map(int, body[13:]))
        wire.STATE_TAIL.pack_into(packet, wire.STATE_TAIL_AT, state.tick, remote, 0, 0)
    except struct.error as error:
        whole = f"{state.header}, tick {state.tick}, IMU at {state.imu_temperature} degC"
        refuse("header, tick, imu_temperature", "integers that fit their fields", f"{whole} ({error})")
    return crc.seal(packet)


def decode_state(packet: Packet) -> LowState:
    """What the robot says.

    Raises:
        PacketError: wrong length, wrong checksum, or a number of the IMU or of a motor's position or velocity that is
            not finite.
    """
    data = _intact(packet, wire.STATE_BYTES, "LowState")
    motors = _STATE_MOTORS.read(data)
    imu = wire.IMU.unpack_from(data, wire.IMU_AT)
    _check_finite("LowState", motors["pos"], motors["vel"], imu)
    body = np.array(imu + wire.FEET.unpack_from(data, wire.FEET_AT), np.float64)
    tick, remote, _, _ = wire.STATE_TAIL.unpack_from(data, wire.STATE_TAIL_AT)
    return LowState(
        **motors,
        quat_wxyz=body[:4],
        gyro=body[4:7],
        accel=body[7:10],
        rpy=body[10:13],
        foot_force=body[14:18],
        foot_force_est=body[18:],
        tick=tick,
        imu_temperature=imu[13],
        header=Header(*wire.HEADER.unpack_from(data, 0)),
        remote=remote,
    )


def _intact(packet: Packet, size: int, name: str) -> bytes:
    """The bytes of ``packet`` when length and checksum are right."""
    if len(packet) != size:
        raise PacketError("length", f"a {name} has {size} bytes, {len(packet)} came; it is dropped")
    data = bytes(packet)
    if not crc.is_intact(data):
        raise PacketError("checksum", f"a {name} came with a wrong checksum; it is dropped")
    return data


def _check_finite(name: str, pos: Array, vel: Array, imu: tuple[float, ...] = ()) -> None:
    """Refuse numbers that nobody could act on. The slots without a motor may hold anything."""
    # They were float32: in float64 they cannot overflow, so the sum is finite when all of them are.
    if not math.isfinite(sum([*pos[: wire.MOTORS].tolist(), *vel[: wire.MOTORS].tolist(), *imu])):
        raise PacketError("not finite", f"a {name} came with a number that is not finite; it is dropped")


def _sized(name: str, value: bytes, size: int) -> bytes:
    """``value`` when it has ``size`` bytes: struct would cut or fill it without a word."""
    if len(value) != size:
        refuse(name, f"{size} bytes", f"{len(value)}")
    return value
