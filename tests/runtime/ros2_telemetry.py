"""Telemetry of a robot that stands still, and a bridge on a clock that a test moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from daydreamer.core.errors import DaydreamerError
from daydreamer.core.telemetry import Telemetry
from daydreamer.runtime.ros2_bridge import Bridge, BridgeConfig
from daydreamer.runtime.run_metrics import RunMetrics
from robots.clock import ManualClock
from robots.ros2.back_end import BackEnd
from tests.contracts.telemetry import telemetry as standing

STANDING = standing(
    time=3.0, wall=100.25, actor="spot", robot="a1", steps=40, robot_minutes=2 / 60, policy_version=7, policy_age=1.5,
    joint_pos=np.arange(12) / 10, joint_vel=np.arange(12) * 1.0, joint_torque=-np.arange(12) / 4,
    joint_target=np.arange(12) / 5, temperature=np.full(12, 30.0), joint_lower=np.full(12, -3.0),
    joint_upper=np.full(12, 3.0), quat_xyzw=np.array([0.0, 0.0, 0.6, 0.8]), gyro=np.array([0.1, 0.2, 0.3]),
    accel=np.array([0.0, 0.5, 9.81]), foot_force=np.array([30.0, 0.0, 28.0, 0.0]),
    foot_contact=np.array([True, False, True, False]), velocity_body=np.array([0.25, 0.0, -0.125]),
    velocity_heading=np.zeros(3), reward=5.5, reward_terms={"upright": 0.9}, times={"period": 0.05, "late": 0.001},
    link={"connected": 1.0, "down": 0.0},
)  # fmt: skip


def telemetry(**changes: Any) -> Telemetry:
    return replace(STANDING, **changes)


class FakeConsole:
    """Keeps the wishes that it gets; refuses them while it has a ``refusal``."""

    def __init__(self) -> None:
        self.wishes: list[tuple[str, str]] = []
        self.refusal = ""
        self.problem = ""

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        return None

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        if self.refusal:
            raise DaydreamerError(self.refusal)
        self.wishes.append((wish, operator))


def bridge_of(
    back_end: BackEnd, console: FakeConsole | None = None, metrics: RunMetrics | None = None, **config: Any
) -> tuple[Bridge, ManualClock]:
    clock = ManualClock(1000.0)
    made = Bridge(
        console or FakeConsole(),
        back_end,
        BridgeConfig(**config),
        metrics,
        clock=clock,
        wall=lambda: 5e5 + clock.now(),
    )
    return made, clock
