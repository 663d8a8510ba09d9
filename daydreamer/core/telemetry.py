"""Telemetry: all that a person may see of a robot and its actor at one moment, as plain data and arrays.

The actor posts one each control step; viewers get the newest, as often as they ask, and some are lost. Made by
``daydreamer.runtime.actor_telemetry``, carried by ``daydreamer.transport.console``. SI units; the body frame
is x forward, y left, z up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core import pack
from daydreamer.core.errors import Corrupt, DaydreamerError

VERSION = 3
_VERSION_KEY = "telemetry"

ACTIVITIES = ("learning", "random", "paused", "lying down", "holding", "waiting", "stopped")
MODES = ("NORMAL", "HOLD", "DAMP", "OFF")
ESTOPS = ("none", "waiting", "ready", "pressed", "lost")

Array = NDArray[Any]


class OtherVersion(DaydreamerError):
    """Telemetry of another version of this software."""


@dataclass(frozen=True)
class Telemetry:
    """One moment. J counts joints, F feet; arrays are float64 unless said otherwise, and never changed."""

    time: float  # s, the robot's clock, of the reading
    wall: float  # unix s, when the reading was taken: one that is told again has the same
    actor: str
    robot: str
    simulated: bool
    activity: str  # one of ACTIVITIES: what the actor's loop does
    mode: str  # one of MODES: what the robot's safety lets it do
    stopped: str  # why the robot does not obey, for a person; empty while it does
    faults: tuple[str, ...]  # what the safety found last, for people
    estop: str  # one of ESTOPS: the stop button
    last_hand: str  # the newest wish of a person and what became of it; empty before the first
    steps: int  # control steps of a policy since the actor began
    robot_minutes: float  # of these steps
    policy_version: int  # -1 before the first
    policy_age: float  # s since the robot took this version
    joint_names: tuple[str, ...]
    foot_names: tuple[str, ...]
    joint_pos: Array  # [J] rad
    joint_vel: Array  # [J] rad/s
    joint_torque: Array  # [J] N m
    joint_target: Array  # [J] rad, last sent to the motors; meaningless where they only damp
    temperature: Array  # [J] degC
    joint_lower: Array  # [J] rad
    joint_upper: Array  # [J] rad
    max_torque: Array  # [J] N m
    quat_xyzw: Array  # [4] body to world
    gyro: Array  # [3] rad/s, body frame
    accel: Array  # [3] m/s^2, body frame
    foot_force: Array  # [F] robot's own unit
    foot_contact: Array  # [F] bool
    velocity_body: Array  # [3] m/s, estimated
    velocity_heading: Array  # [3] m/s, estimated; x points where the robot faces, z up
    up: float  # z of the body's up axis, 1 upright, -1 on its back
    reward: float
    reward_terms: Mapping[str, float]
    times: Mapping[str, float]  # s of the last step: period, late, sense, estimate, observe, write, policy
    link: Mapping[
        str, float
    ]  # connected (0 or 1), down [s], unacked [rows], spool_bytes, sent, acked [rows], ack [s]
    truth_position: Array | None  # [3] m, world frame; in simulation only
    action: Array  # [A] the policy's last one, flat, float32
    counts: Mapping[str, float] = field(
        default_factory=dict
    )  # good, bad, set_by_hand, stops, resets: of the run
    servo: Mapping[str, float] = field(
        default_factory=dict
    )  # late_p50_ms, late_p99_ms, missed ...; empty: no servo
    reading_age: float = 0.0  # s from the reading until it was posted: much where nothing new is read
    # Set by the console's thread when it sends:
    age: float = 0.0  # s since it was posted: more than a control step or two means that the loop hangs
    viewers: int = 0  # who are watching by the same way in

    @property
    def told(self) -> float:
        """Unix s at which the console sent it."""
        return self.wall + self.reading_age + self.age

    def to_bytes(self) -> bytes:
        """For ``from_bytes``, anywhere."""
        tree: dict[str, Any] = {_VERSION_KEY: VERSION, **vars(self)}
        # One array costs as much to pack as all of them: this is done twenty times a second beside a control loop.
        arrays = {name: value for name in _ARRAYS if (value := tree.pop(name)) is not None}
        tree["sizes"] = {name: len(value) for name, value in arrays.items()}
        tree["numbers"] = np.concatenate(list(arrays.values()), dtype=np.float64)
        return pack.dumps(tree)

    @classmethod
    def from_bytes(cls, blob: pack.Buffer) -> Telemetry:
        """Read what ``to_bytes`` wrote; arrays are read-only.

        Raises:
            OtherVersion: it is another version's.
            Corrupt: it is no telemetry, or values do not fit each other.
        """
        tree = pack.loads(blob)
        if not isinstance(tree, dict) or _VERSION_KEY not in tree:
            raise Corrupt("expected telemetry, got something else")
        version = tree.pop(_VERSION_KEY)
        if type(version) is not int or version != VERSION:
            raise OtherVersion(
                f"the actor sends telemetry of version {version!r:.20}, this program reads version {VERSION}: "
                "use the same daydreamer on both sides"
            )
        tree |= _split(tree.pop("sizes", None), tree.pop("numbers", None))
        if tree.keys() != _CHECKS.keys():
            raise Corrupt(f"telemetry with wrong fields: {sorted(tree.keys() ^ _CHECKS.keys())!r:.200}")
        for name, check in _CHECKS.items():
            if not check(tree[name]):
                raise Corrupt(f"telemetry: {name} is {tree[name]!r:.80}")
        tree |= {name: tuple(tree[name]) for name in ("faults", "joint_names", "foot_names")}
        found = cls(**tree)
        found.check()
        return found

    def check(self) -> None:
        """Raise Corrupt unless every array has its shape and every word is one of its list."""
        joints, feet = len(self.joint_names), len(self.foot_names)
        sizes = {
            **dict.fromkeys(_PER_JOINT, joints),
            **{"foot_force": feet, "foot_contact": feet, "quat_xyzw": 4},
            **dict.fromkeys(("gyro", "accel", "velocity_body", "velocity_heading"), 3),
        }
        if self.truth_position is not None:
            sizes["truth_position"] = 3
        for name, size in sizes.items():
            if getattr(self, name).shape != (size,):
                raise Corrupt(f"telemetry: expected {name} [{size}], got {getattr(self, name).shape}")
        for name, words in (("activity", ACTIVITIES), ("mode", MODES), ("estop", ESTOPS)):
            if getattr(self, name) not in words:
                raise Corrupt(
                    f"telemetry: {name} is one of {', '.join(words)}; got {getattr(self, name)!r:.40}"
                )


_PER_JOINT = (
    *("joint_pos", "joint_vel", "joint_torque", "joint_target", "temperature"),
    *("joint_lower", "joint_upper", "max_torque"),
)


_DTYPES = {"foot_contact": np.dtype(bool), "action": np.dtype(np.float32)}


def _split(sizes: Any, numbers: Any) -> dict[str, Array | None]:
    """The arrays by name out of the one they were joined to. Raises Corrupt when they do not fit."""
    if not isinstance(sizes, dict) or not isinstance(numbers, np.ndarray) or numbers.dtype != np.float64:
        raise Corrupt("telemetry without its numbers")
    if not all(type(size) is int and size >= 0 for size in sizes.values()) or numbers.ndim != 1:
        raise Corrupt(f"telemetry with wrong sizes: {sizes!r:.80}")
    if sum(sizes.values()) != len(numbers):
        raise Corrupt(f"telemetry: {sum(sizes.values())} numbers announced, {len(numbers)} came")
    arrays: dict[str, Array | None] = {"truth_position": None}
    begin = 0
    for name, size in sizes.items():
        array = numbers[begin : begin + size]
        arrays[name] = array.astype(_DTYPES[name]) if name in _DTYPES else array
        begin += size
    return arrays


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_BY_TYPE: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": _is_number,
    "Array": lambda value: isinstance(value, np.ndarray),
    "Array | None": lambda value: value is None or isinstance(value, np.ndarray),
    "tuple[str, ...]": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "Mapping[str, float]": lambda value: isinstance(value, dict) and all(map(_is_number, value.values())),
}
_CHECKS = {one.name: _BY_TYPE[str(one.type)] for one in fields(Telemetry)}
_ARRAYS = tuple(one.name for one in fields(Telemetry) if str(one.type).startswith("Array"))
