"""From telemetry to ROS 2 messages: states, commands, faults. Pure, and without ROS.

Units and axes are those of REP 103 on both sides, so nothing is converted; names and topics are those that ROS 2
tools expect, joints are called as in the robot's URDF.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.recording import definitions as kinds

Fields = Mapping[str, Any]
_INFO, _WARN, _ERROR = 20, 30, 40  # rcl_interfaces/Log
_BASE, _WORLD = "base_link", "odom"
_DRIVEN = ("NORMAL", "HOLD")  # modes in which the motors have targets


class Message(NamedTuple):
    """One message for one topic."""

    topic: str
    kind: str  # of ``definitions``
    fields: Fields


def moment(telemetry: Telemetry) -> Iterator[Message]:
    """State and command of one control step."""
    t = telemetry
    stamp = _header(t.wall, _BASE)
    joints = [f"{name}_joint" for name in t.joint_names]
    yield Message(
        "/joint_states", kinds.JOINT_STATE, _joints(stamp, joints, t.joint_pos, t.joint_vel, t.joint_torque)
    )
    if t.mode in _DRIVEN and np.isfinite(t.joint_target).all():
        yield Message("/joint_commands", kinds.JOINT_STATE, _joints(stamp, joints, t.joint_target))
    feet = [f"{name}_foot" for name in t.foot_names]
    yield Message("/foot_contacts", kinds.JOINT_STATE, _joints(stamp, feet, t.foot_contact, (), t.foot_force))
    yield Message("/imu/data", kinds.IMU, _imu(t))
    if np.isfinite(t.velocity_body).all():
        twist = {"linear": _vector(t.velocity_body), "angular": _vector(t.gyro)}
        yield Message("/odom_twist", kinds.TWIST, {"header": stamp, "twist": twist})
    place = np.zeros(3) if t.truth_position is None else t.truth_position
    yield Message("/tf", kinds.TRANSFORMS, {"transforms": [_transform(t.wall, place, t.quat_xyzw)]})
    yield Message("/daydreamer/reward", kinds.FLOAT, {"data": float(t.reward)})


def diagnosis(telemetry: Telemetry) -> Message:
    """How the robot, its loop and its link are: said once a second."""
    t = telemetry
    level = _level(t) // 10 - 2  # OK, WARN, ERROR as 0, 1, 2
    values = {
        "activity": t.activity,
        "faults": "; ".join(t.faults),
        "e-stop": t.estop,
        "policy version": t.policy_version,
        "policy age s": t.policy_age,
        "reading age s": t.reading_age + t.age,
        "hottest motor degC": float(t.temperature.max(initial=-np.inf)),
        **{f"{name} ms": 1000 * seconds for name, seconds in t.times.items()},
        **{f"link {name}": value for name, value in t.link.items()},
    }
    status = {
        "level": level,
        "name": f"daydreamer: {t.actor}",
        "message": t.stopped or t.mode,
        "hardware_id": t.robot,
        "values": [{"key": key, "value": _text(value)} for key, value in values.items()],
    }
    return Message("/diagnostics", kinds.DIAGNOSTICS, {"header": _header(t.told, _BASE), "status": [status]})


@dataclass
class Changes:
    """Tells what changed since the moment before: faults, modes, people's wishes."""

    _before: Telemetry | None = None

    def of(self, telemetry: Telemetry) -> Iterator[Message]:
        """A line of the log for each change; the mode by itself, too."""
        t, before = telemetry, self._before
        self._before = t
        if before is None or t.mode != before.mode:
            yield Message("/daydreamer/mode", kinds.STRING, {"data": t.mode})
            yield self._log(t, _level(t), f"mode {t.mode}, {t.activity}")
        if t.stopped and (before is None or t.stopped != before.stopped):
            yield self._log(t, _ERROR, f"stopped: {t.stopped}")
        if t.estop != (before.estop if before else "none"):
            yield self._log(t, _ERROR if t.estop in ("pressed", "lost") else _INFO, f"e-stop {t.estop}")
        for fault in _fresh(t.faults, before.faults if before else ()):
            yield self._log(t, _WARN, f"fault: {fault}")
        if t.last_hand and (before is None or t.last_hand != before.last_hand):
            yield self._log(t, _INFO, f"hand: {t.last_hand}")
        if before is not None and t.policy_version != before.policy_version:
            yield self._log(t, _INFO, f"policy version {t.policy_version}")

    @staticmethod
    def _log(t: Telemetry, level: int, text: str) -> Message:
        fields = {"stamp": _stamp(t.told), "level": level, "name": t.actor, "msg": text}
        return Message("/rosout", kinds.LOG, {**fields, "file": "", "function": "", "line": 0})


def _fresh(faults: Iterable[str], before: Iterable[str]) -> list[str]:
    known = set(before)
    return [fault for fault in faults if fault not in known]


def _level(t: Telemetry) -> int:
    if t.mode in ("DAMP", "OFF") or t.stopped or t.estop in ("pressed", "lost"):
        return _ERROR
    return _WARN if t.mode == "HOLD" or t.faults else _INFO


def _imu(t: Telemetry) -> Fields:
    return {
        "header": _header(t.wall, _BASE),
        "orientation": _quaternion(t.quat_xyzw),
        "orientation_covariance": [0.0] * 9,  # not known
        "angular_velocity": _vector(t.gyro),
        "angular_velocity_covariance": [0.0] * 9,
        "linear_acceleration": _vector(t.accel),
        "linear_acceleration_covariance": [0.0] * 9,
    }


def _transform(wall: float, place: NDArray[Any], quat: NDArray[Any]) -> Fields:
    moved = {"translation": _vector(place), "rotation": _quaternion(quat)}
    return {"header": _header(wall, _WORLD), "child_frame_id": _BASE, "transform": moved}


def _joints(header: Fields, names: list[str], position: Any, velocity: Any = (), effort: Any = ()) -> Fields:
    numbers = (
        ("position", position),
        ("velocity", velocity),
        ("effort", effort),
    )
    return {"header": header, "name": names, **{key: np.asarray(v, float).tolist() for key, v in numbers}}


def _vector(values: NDArray[Any]) -> Fields:
    return dict(zip("xyz", values.tolist(), strict=True))


def _quaternion(values: NDArray[Any]) -> Fields:
    return dict(zip("xyzw", values.tolist(), strict=True))


def _header(wall: float, frame: str) -> Fields:
    return {"stamp": _stamp(wall), "frame_id": frame}


def _stamp(wall: float) -> Fields:
    seconds, nanoseconds = divmod(round(wall * 1e9), 10**9)
    return {"sec": seconds, "nanosec": nanoseconds}


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
