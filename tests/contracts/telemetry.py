"""What a robot tells, for tests of who tells it and who is told. Made of numpy and core alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from daydreamer.core.telemetry import Telemetry
from robots.a1 import model

INFO = model.info(simulated=True)
ZERO = np.zeros(12)

STANDS = Telemetry(
    time=10.0, wall=1000.0, actor="actor", robot="a1-sim", simulated=True, activity="learning", mode="NORMAL",
    stopped="", faults=(), estop="none", last_hand="", steps=200, robot_minutes=0.2, policy_version=3,
    policy_age=4.0, joint_names=INFO.joint_names, foot_names=INFO.foot_names, joint_pos=INFO.stand_pos,
    joint_vel=ZERO, joint_torque=ZERO, joint_target=INFO.stand_pos, temperature=np.full(12, 31.0),
    joint_lower=INFO.joint_lower, joint_upper=INFO.joint_upper, max_torque=INFO.max_torque,
    quat_xyzw=np.array([0.0, 0.0, 0.0, 1.0]), gyro=np.zeros(3), accel=np.array([0.0, 0.0, 9.81]),
    foot_force=np.full(4, 30.0), foot_contact=np.ones(4, bool), velocity_body=np.zeros(3),
    velocity_heading=np.array([0.5, 0.0, 0.0]), up=1.0, reward=9.0, reward_terms={"upright": 1.0},
    times={"period": 0.05, "late": 0.0003, "policy": 0.002}, link={"connected": 1.0, "unacked": 2.0},
    truth_position=None, action=np.zeros(12, np.float32),
)  # fmt: skip


def telemetry(**changes: Any) -> Telemetry:
    """An A1 that stands, learning."""
    return replace(STANDS, **changes)
