"""What is well and what is not, as diagnostic_msgs/DiagnosticArray: for `rqt_robot_monitor`, rosbags and people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any

from robots.ros2.definitions import Message
from robots.ros2.seen import Seen
from robots.ros2.stamp import header
from robots.safety.config import SafetyConfig

_LIMITS = SafetyConfig()
_LATE = 0.2  # of a control period, from which on a late step is a warning
_HANGS = 1.0  # s without a control step, or without a reading


class Level(IntEnum):
    """As in diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


def diagnostics(seen: Seen, more: Iterable[Message] = ()) -> Message:
    """All of a robot and its actor, and what the bridge says of itself (``more``)."""
    found = [safety(seen), motors(seen), control_loop(seen), link(seen), *more]
    return array(seen.told, found)


def silent(wall: float, hardware: str, why: str, more: Iterable[Message] = ()) -> Message:
    """While nothing is heard of the actor."""
    return array(wall, [status("actor", Level.STALE, why or "silent", hardware, {}), *more])


def safety(seen: Seen) -> Message:
    """What the robot's safety lets it do."""
    level = {"NORMAL": Level.OK, "HOLD": Level.WARN}.get(seen.mode, Level.ERROR)
    if seen.stopped or seen.estop in ("pressed", "lost"):
        level = Level.ERROR
    elif seen.faults and level is Level.OK:
        level = Level.WARN
    values = {
        "mode": seen.mode,
        "activity": seen.activity,
        "faults": "; ".join(seen.faults),
        "stop button": seen.estop,
        "last hand": seen.last_hand,
    }
    return status("safety", level, seen.stopped or f"{seen.mode}, {seen.activity}", seen.robot, values)


def motors(seen: Seen) -> Message:
    """Temperatures, against the figures of the robot's own safety."""
    hottest = int(seen.temperature.argmax())
    degrees = float(seen.temperature[hottest])
    level = Level.OK
    if degrees >= _LIMITS.motor_warm:
        level = Level.WARN if degrees < _LIMITS.motor_hot else Level.ERROR
    words = f"hottest: {seen.joint_names[hottest]}, {degrees:.0f} degC"
    values = {
        f"{name} degC": value for name, value in zip(seen.joint_names, seen.temperature.tolist(), strict=True)
    }
    return status("motors", level, words, seen.robot, values)


def control_loop(seen: Seen) -> Message:
    """How late control steps begin, and whether there are any, and readings."""
    reading = seen.told - seen.wall
    late, period = seen.times.get("late", 0.0), seen.times.get("period", math.inf)
    level, words = Level.OK, f"{1000 * late:.1f} ms late"
    if seen.age > _HANGS:
        level, words = Level.ERROR, f"no control step for {seen.age:.1f} s"
    elif reading > _HANGS:
        level, words = Level.WARN, f"no new reading for {reading:.1f} s"
    elif late > _LATE * period:
        level = Level.WARN
    values = {f"{name} ms": 1000 * value for name, value in seen.times.items()}
    return status(
        "control loop", level, words, seen.actor, values | {"age s": seen.age, "reading age s": reading}
    )


def link(seen: Seen) -> Message:
    """The actor's link to its learner."""
    connected = bool(seen.link.get("connected"))
    words = (
        "connected" if connected else f"no learner for {seen.link.get('down', 0.0):.0f} s; rows wait on disk"
    )
    return status("link", Level.OK if connected else Level.WARN, words, seen.actor, dict(seen.link))


def metrics(wall: float, hardware: str, groups: Mapping[str, Mapping[str, float]]) -> Message:
    """Numbers by name, one status per group, each OK: they are told, not judged."""
    return array(wall, [status(name, Level.OK, "", hardware, values) for name, values in groups.items()])


def array(wall: float, statuses: Iterable[Message]) -> Message:
    """diagnostic_msgs/DiagnosticArray."""
    return {"header": header(wall), "status": list(statuses)}


def status(name: str, level: Level, message: str, hardware: str, values: Mapping[str, Any]) -> Message:
    """diagnostic_msgs/DiagnosticStatus. Numbers are written with six digits."""
    pairs = [{"key": key, "value": _text(value)} for key, value in values.items()]
    return {
        "level": int(level),
        "name": f"daydreamer: {name}",
        "message": message,
        "hardware_id": hardware,
        "values": pairs,
    }


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
