"""A console that a test writes the telemetry of, and a run directory with curves."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daydreamer.core.telemetry import Telemetry
from daydreamer.monitor.record import Record
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.link import LinkError
from robots.a1 import model

INFO = model.info(simulated=True)


def telemetry(**changes: Any) -> Telemetry:
    """An A1 that stands, learning."""
    zero = np.zeros(12)
    found = Telemetry(
        time=10.0, wall=1000.0, actor="actor", robot="a1-sim", simulated=True, activity="learning", mode="NORMAL",
        stopped="", faults=(), estop="none", last_hand="", steps=200, robot_minutes=0.2, policy_version=3,
        policy_age=4.0, joint_names=INFO.joint_names, foot_names=INFO.foot_names, joint_pos=INFO.stand_pos,
        joint_vel=zero, joint_torque=zero, joint_target=INFO.stand_pos, temperature=np.full(12, 31.0),
        joint_lower=INFO.joint_lower, joint_upper=INFO.joint_upper, max_torque=INFO.max_torque,
        quat_xyzw=np.array([0.0, 0.0, 0.0, 1.0]), gyro=np.zeros(3), accel=np.array([0.0, 0.0, 9.81]),
        foot_force=np.full(4, 30.0), foot_contact=np.ones(4, bool), velocity_body=np.zeros(3),
        velocity_heading=np.array([0.5, 0.0, 0.0]), up=1.0, reward=9.0, reward_terms={"upright": 1.0},
        times={"period": 0.05, "late": 0.0003, "policy": 0.002}, link={"connected": 1.0, "unacked": 2.0},
        truth_position=None, action=np.zeros(12, np.float32),
    )  # fmt: skip
    return dataclasses.replace(found, **changes)


class FakeConsole:
    """Gives the telemetry that it is told to, and keeps the wishes."""

    def __init__(self) -> None:
        self.problem = ""
        self.newest: Telemetry | None = telemetry()
        self.wishes: list[tuple[str, str]] = []
        self.deaf = False
        self.news, self.wished = threading.Event(), threading.Event()

    def latest(self, timeout: float = 0.0) -> Telemetry | None:
        self.news.wait(min(timeout, 0.02))
        self.news.clear()
        return self.newest

    def send(self, wish: str, operator: str = "", timeout: float = 2.0) -> None:
        if self.deaf:
            raise LinkError("no answer")
        self.wishes.append((wish, operator))
        self.wished.set()

    def tell(self, **changes: Any) -> None:
        self.newest = telemetry(**changes)
        self.news.set()

    def close(self) -> None:
        self.news.set()


@pytest.fixture
def console() -> FakeConsole:
    return FakeConsole()


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    """Ten robot minutes of metrics and a few events."""
    found = RunDir(tmp_path / "run")
    found.path.mkdir()
    found.config.write_text(
        json.dumps({"name": "fake-tiny", "hz": 20.0, "learner": {"train_ratio": 4.0, "prefill": 100}})
    )
    lines = [
        Record(
            120 * k, 1000.0 + 6 * k, {"robot/minutes": k / 10, "robot/reward": 5 + k / 50, "learner/steps": k}
        )
        for k in range(101)
    ]
    found.metrics.write_bytes(b"".join(line.to_line() for line in lines))
    found.events.write_text('{"time": 1000.0, "event": "start", "rows": 0}\n')
    return found
