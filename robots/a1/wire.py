"""How the A1's low-level packets lie in memory: little-endian, packed, no padding. Tables and constants only.

The layout was established by running the vendor's own clients (v3.2 to v3.3.4) against a dummy robot. Not known, and so
not relied on: the scale of the foot forces; what the ``raw`` fields hold; and the unit of ``tick``, milliseconds in
every deployment seen though the vendor's header file says microseconds.
"""

from __future__ import annotations

import struct

import numpy as np

COMMAND_BYTES = 610  # LowCmd, computer to robot
STATE_BYTES = 771  # LowState, robot to computer
MOTORS = 12  # FR, FL, RR, RL x hip, thigh, calf
SLOTS = 20  # motors that a packet has room for; the last eight drive nothing
ROBOT_ADDRESS = ("192.168.123.10", 8007)  # UDP
CLIENT_PORT = 8080  # what the vendor's client binds

LOW_LEVEL = 0xFF  # the header's level in every low-level packet
SERVO = 0x0A  # motor mode: torque + kp (pos - q) + kd (vel - dq)
BRAKE = 0x00  # motor mode: damp
POS_STOP = 2.146e9  # rad, in place of a position: do not track one
VEL_STOP = 16000.0  # rad/s, in place of a velocity: do not track one

# Wire units in one SI unit, of the fields where it is not one. Fixed point is cut off towards zero.
SCALE = {"torque": 256.0, "kp": 32.0, "kd": 16.0}

HEADER = struct.Struct("<BHHIB")  # level, version, robot_id, serial, band_width

COMMAND_MOTOR = np.dtype(
    [
        ("mode", "u1"),
        ("pos", "<f4"),
        ("vel", "<f4"),
        ("torque", "<i2"),
        ("kp", "<i2"),
        ("kd", "<i2"),
        ("reserve", "<u4", 3),
    ]
)
COMMAND_TAIL = struct.Struct("<12s40sII")  # led, remote, reserve, crc

IMU = struct.Struct("<13fb")  # quaternion w x y z, gyro, accel, roll pitch yaw, temperature
STATE_MOTOR = np.dtype(
    [
        ("mode", "u1"),
        ("pos", "<f4"),
        ("vel", "<f4"),
        ("acc", "<i2"),
        ("torque", "<i2"),
        ("pos_raw", "<f4"),
        ("vel_raw", "<f4"),
        ("acc_raw", "<i2"),
        ("temperature", "i1"),
        ("reserve", "<u4", 2),
    ]
)
FEET = struct.Struct("<8h")  # force [4], then the robot's own estimate of it [4]
STATE_TAIL = struct.Struct("<I40sII")  # tick, remote, reserve, crc

COMMAND_MOTORS_AT = HEADER.size
COMMAND_TAIL_AT = COMMAND_MOTORS_AT + SLOTS * COMMAND_MOTOR.itemsize
IMU_AT = HEADER.size
STATE_MOTORS_AT = IMU_AT + IMU.size
FEET_AT = STATE_MOTORS_AT + SLOTS * STATE_MOTOR.itemsize
STATE_TAIL_AT = FEET_AT + FEET.size

# Where the vendor's clients were seen to put and to look for them.
assert (COMMAND_MOTORS_AT, COMMAND_TAIL_AT, COMMAND_TAIL_AT + COMMAND_TAIL.size) == (10, 550, COMMAND_BYTES)
assert (IMU_AT, STATE_MOTORS_AT, FEET_AT, STATE_TAIL_AT) == (10, 63, 703, 719)
assert STATE_TAIL_AT + STATE_TAIL.size == STATE_BYTES
