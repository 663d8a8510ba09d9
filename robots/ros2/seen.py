"""What the bridge, or a recording, is told of a robot at one moment: plain data, from whoever watches it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from numpy.typing import NDArray

from robots.robot import Array


@dataclass(frozen=True)
class Seen:
    """One moment. J counts joints, F feet; SI units; body frame x forward, y left, z up."""

    wall: float  # unix s, of the reading
    told: float  # unix s, when this was sent
    actor: str
    robot: str
    activity: str
    mode: str  # NORMAL, HOLD, DAMP, OFF
    stopped: str  # why the robot does not obey; empty while it does
    faults: tuple[str, ...]
    estop: str  # the stop button: none, waiting, ready, pressed, lost
    last_hand: str
    joint_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    joint_pos: Array  # [J] rad
    joint_vel: Array  # [J] rad/s
    joint_torque: Array  # [J] N m
    joint_target: Array  # [J] rad, last sent; NaN before the first
    temperature: Array  # [J] degC
    quat_xyzw: Array  # [4] body to world
    gyro: Array  # [3] rad/s
    accel: Array  # [3] m/s^2
    foot_force: Array  # [F] the robot's own unit
    foot_contact: NDArray  # type: ignore[type-arg]  # [F] bool
    velocity_body: Array  # [3] m/s, estimated; NaN where nothing estimates it
    times: Mapping[str, float]  # s: period, late, ...
    link: Mapping[str, float]  # connected, down [s], unacked [rows], spool_bytes, ...
    age: float  # s since the control loop showed itself

    @classmethod
    def of(cls, thing: object) -> Seen:
        """What ``thing`` has under these names. Raises AttributeError when one is missing."""
        return cls(**{field.name: getattr(thing, field.name) for field in fields(cls)})
