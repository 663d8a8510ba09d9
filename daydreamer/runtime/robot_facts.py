"""What the consoles of robots add to the facts that alarms look at: for the page and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.alarms import ROBOT_SILENT

_AWAY = ("paused", "lying down", "stopped")  # activities in which no rows are to come


def robot_facts(robots: Sequence[tuple[float, Telemetry]]) -> dict[str, Any]:
    """Keywords of ``Watch.facts`` from the age [s] and the words of the newest telemetry of each robot.

    Of one that has fallen silent only its silence counts: what it said last is no longer known.
    """
    newest = [telemetry for age, telemetry in robots if age < ROBOT_SILENT]
    return {
        "robot_age": max((age for age, _ in robots), default=math.nan),
        "temperature": max(
            (float(np.max(t.temperature, initial=-math.inf)) for t in newest), default=math.nan
        ),
        "stopped": "; ".join(t.stopped for t in newest if t.stopped),
        "estop": next((state for state in ("lost", "pressed") for t in newest if t.estop == state), "none"),
        "paused": bool(newest) and all(t.activity in _AWAY for t in newest),
        "holding": any(t.activity == "holding" for t in newest),
    }
