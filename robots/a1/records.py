"""What the driver and its servo process tell each other: two records of fixed size, for two mailboxes.

An order counts what it asks for (commands, resets, trips of each fault), because letters may be skipped: the newest
one says all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robots.a1 import wire
from robots.a1.ticks import BINS
from robots.robot import Array, JointCommand, RobotState
from robots.safety.estop import EstopState
from robots.safety.faults import Fault, Finding

Record = NDArray[np.void]  # a structured array of shape ()

FAULTS = tuple(Fault)
ESTOPS = tuple(EstopState)
CAUSES = 4  # faults that a report has room to explain
_J = wire.MOTORS

COMMAND = np.dtype(("f8", (5, _J)))  # pos, vel, torque, kp, kd

ORDER = np.dtype(
    [
        ("command", COMMAND),
        ("commands", "u8"),  # how many were given; a larger number makes the command a new one
        ("resets", "u8"),
        ("operator", "S64"),  # who asked for the newest of them, in UTF-8
        ("trips", "u8", len(FAULTS)),  # by fault, its place in FAULTS: none may hide behind the next one
        ("close", "u8"),  # not 0: damp and leave
    ]
)

# A RobotState but for accel, of which the reader needs a mean over a time of its own.
STATE = np.dtype(
    [
        ("time", "f8"),
        ("joint_pos", "f8", _J),
        ("joint_vel", "f8", _J),
        ("joint_torque", "f8", _J),
        ("quat_xyzw", "f8", 4),
        ("gyro", "f8", 3),
        ("foot_force", "f8", 4),
        ("temperature", "f8", _J),
        ("seq", "i8"),
    ]
)
FINDING = np.dtype([("fault", "i8"), ("value", "f8"), ("limit", "f8"), ("joint", "i8")])

REPORT = np.dtype(
    [
        ("state", STATE),
        ("accel_sum", "f8", 3),  # m/s^2, over all ``state.seq`` readings
        ("remote", "u1", 40),  # the A1's own remote control, as it sends it
        ("sent", COMMAND),  # the newest command that went to the motors
        ("mode", "i8"),
        ("estop", "i8"),  # the stop box, its place in ESTOPS
        ("causes", "i8"),  # how many of ``cause`` count
        ("cause", FINDING, CAUSES),
        ("faults", "u8", len(FAULTS)),  # ticks that found it, by its place in FAULTS
        ("commands", "u8"),  # of the newest order that was read, and the next two
        ("resets", "u8"),
        ("trips", "u8", len(FAULTS)),
        ("began", "f8"),  # s, the first tick
        ("now", "f8"),  # s, this tick
        ("ticks", "u8"),
        ("missed", "u8"),
        ("late", "u8", BINS),
        ("latest", "f8"),
        ("dropped", "u8"),  # packets of the robot that were no LowState
        ("repeated", "u8"),  # and those that were the one before once more, to the last bit
        ("unsent", "u8"),  # packets to the robot that the network would not take
        ("realtime", "u1"),  # 1: real-time priority was granted
        ("locked", "u1"),  # 1: memory cannot be swapped out
        ("unkept", "u1"),  # 1: there is a stop that the disk has not taken for long
        ("damped", "u1"),  # 1: it leaves, and has sent its last packet, which damps
    ]
)

_FIELDS = tuple(field.name for field in fields(JointCommand))
_STATE_ARRAYS = ("joint_pos", "joint_vel", "joint_torque", "quat_xyzw", "gyro", "foot_force", "temperature")


def blank(kind: np.dtype[Any]) -> Record:
    """A record of zeros."""
    return np.zeros((), kind)


def parse(kind: np.dtype[Any], content: bytes) -> Record:
    """The record in ``content``; read-only."""
    record: Record = np.frombuffer(content, kind).reshape(())
    return record


def put_command(record: Record, name: str, command: JointCommand) -> None:
    """Write ``command`` into the field ``name``."""
    for row, field in zip(record[name], _FIELDS, strict=True):
        row[:] = getattr(command, field)


def get_command(record: Record, name: str) -> JointCommand:
    """The command in the field ``name``; copies."""
    return JointCommand(*(np.array(row) for row in record[name]))


def put_state(record: Record, state: RobotState) -> None:
    """Write all of ``state`` but its accel."""
    into = record["state"]
    into["time"], into["seq"] = state.time, state.seq
    for name in _STATE_ARRAYS:
        into[name] = getattr(state, name)


def get_state(record: Record, accel: Array) -> RobotState:
    """The state with ``accel`` [3] m/s^2; copies."""
    kept = record["state"]
    arrays = {name: np.array(kept[name]) for name in _STATE_ARRAYS}
    return RobotState(time=float(kept["time"]), accel=accel, seq=int(kept["seq"]), **arrays)


def put_causes(record: Record, causes: Iterable[Finding]) -> None:
    """Write what brought the mode down, at most CAUSES of it, the worst first."""
    count = 0
    worst = sorted(causes, key=lambda finding: -finding.fault.mode)
    for into, finding in zip(record["cause"], worst, strict=False):
        into["fault"], into["joint"] = FAULTS.index(finding.fault), finding.joint
        into["value"], into["limit"] = finding.value, finding.limit
        count += 1
    record["causes"] = count


def get_causes(record: Record) -> tuple[Finding, ...]:
    """What brought the mode down."""
    return tuple(
        Finding(FAULTS[int(one["fault"])], float(one["value"]), float(one["limit"]), int(one["joint"]))
        for one in record["cause"][: int(record["causes"])]
    )
