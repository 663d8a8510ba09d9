"""What an actor's console tells: the newest telemetry, the way the robot went, how late its steps began."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from daydreamer.core.telemetry import Telemetry
from robots.a1 import skeleton

_TRAIL = 600  # points kept
_STEP = 0.02  # m between two of them
_LATE_EDGES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # ms
_GAP = 1.0  # s of telemetry missed, after which a speed says nothing of the way between


class Console(Protocol):
    """What is used of ``ConsoleClient``."""

    problem: str

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        """The newest telemetry, or None."""
        ...

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        """Pass on a wish."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class RobotFollower:
    """Follows one console in a thread. Any thread may ask.

    Args:
        name: Of the actor, until its telemetry says it.
        console: Closed here.
        clock: Monotonic seconds.
    """

    def __init__(self, name: str, console: Console, clock: Callable[[], float] = time.monotonic):
        self.name, self.console, self._clock = name, console, clock
        self.count = 0  # of telemetry that came
        self.telemetry: Telemetry | None = None
        self._heard = math.nan
        self._trail = Trail()
        self._late = [0] * (len(_LATE_EDGES) + 1)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"robot {name}", daemon=True)

    def start(self) -> None:
        """Follow from now on."""
        self._thread.start()

    def close(self) -> None:
        """Let go. Idempotent."""
        self._closing = True
        self.console.close()
        if self._thread.ident is not None:
            self._thread.join(5.0)

    @property
    def age(self) -> float:
        """Seconds since the robot was last known about; NaN before the first time."""
        telemetry = self.telemetry
        return self._clock() - self._heard + (telemetry.age if telemetry else 0.0)

    def take(self, telemetry: Telemetry) -> None:
        """Make ``telemetry`` the newest."""
        self._trail.add(telemetry)
        self._late[int(np.searchsorted(_LATE_EDGES, 1000 * telemetry.times.get("late", 0.0)))] += 1
        self.telemetry, self._heard = telemetry, self._clock()
        self.count += 1

    def message(self) -> dict[str, Any]:
        """Everything the page shows of it, as plain data."""
        telemetry = self.telemetry
        if telemetry is None:
            return {"name": self.name, "problem": self.console.problem, "age": None}
        return {
            **_plain(vars(telemetry)),
            "times": _plain({name: 1000 * seconds for name, seconds in telemetry.times.items()}),  # ms
            "name": telemetry.actor,
            "age": round(self.age, 2),
            "problem": self.console.problem,
            "figure": _plain(_figure(telemetry)),
            "trail": self._trail.message(),
            "lateness": {"edges": _LATE_EDGES, "counts": list(self._late)},
        }

    def _run(self) -> None:
        seen: Telemetry | None = None
        while not self._closing:
            telemetry = self.console.latest(0.2)
            if telemetry is not None and telemetry is not seen:
                seen = telemetry
                self.take(telemetry)
            elif telemetry is None:
                time.sleep(0.05)  # a client that is closing does not wait for us


class Trail:
    """The way of the body seen from above: the simulator's truth, or the estimated speed added up, which drifts."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=_TRAIL)
        self._at = np.zeros(2)
        self._time = math.nan
        self._yaw = 0.0
        self._true = False

    def add(self, telemetry: Telemetry) -> None:
        """Go on to where ``telemetry`` says."""
        rotation = skeleton.from_quaternion(telemetry.quat_xyzw)
        yaw = math.atan2(rotation[1, 0], rotation[0, 0])
        self._yaw = yaw if math.isfinite(yaw) else self._yaw
        step, self._time = telemetry.time - self._time, telemetry.time
        self._true = telemetry.truth_position is not None
        if telemetry.truth_position is not None:
            self._at = np.array(telemetry.truth_position[:2], float)
        elif 0 < step < _GAP:
            sin, cos = math.sin(self._yaw), math.cos(self._yaw)
            x, y = telemetry.velocity_heading[:2]
            self._at = self._at + step * np.array([cos * x - sin * y, sin * x + cos * y])
        if not np.isfinite(self._at).all():
            self._at = np.zeros(2)
        if not self._points or math.dist(self._points[-1], self._at) >= _STEP:
            self._points.append((float(self._at[0]), float(self._at[1])))

    def message(self) -> dict[str, Any]:
        """Plain data: points [m], heading [rad], and whether it is the truth."""
        points = [[round(x, 2), round(y, 2)] for x, y in (*self._points, self._at.tolist())]
        return {"points": points, "yaw": round(self._yaw, 3), "true": self._true}


def _figure(telemetry: Telemetry) -> list[Any] | None:
    if not skeleton.is_known(telemetry.joint_names):
        return None
    return skeleton.figure(telemetry.joint_pos, skeleton.from_quaternion(telemetry.quat_xyzw))


def _plain(value: Any) -> Any:
    """Plain data for JSON: short numbers, None for what is not finite."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
