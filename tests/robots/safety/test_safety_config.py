"""The figures a robot's safety rests on are what they are said to be, and senseless ones are refused."""

from dataclasses import FrozenInstanceError, asdict, fields, replace

import numpy as np
import pytest

from robots.robot import RobotError
from robots.safety import limits
from robots.safety.config import Rules, SafetyConfig
from robots.safety.core import Memory, Moment
from robots.safety.faults import Fault, Finding
from robots.safety.plausible import Trail
from tests.robots.safety.readings import INFO, STAND, rules

INF = float("inf")


def test_the_defaults():
    assert asdict(SafetyConfig()) == {
        "target_margin": 0.01, "target_rate": 21.0, "target_gap": 0.1, "target_error": INF,
        "position_margin": 0.087, "velocity_factor": 1.2, "torque_factor": 1.05,
        "power": 800.0, "power_readings": 6, "tilt": INF, "motor_warm": 50.0, "motor_hot": 60.0,
        "state_hold": 0.1, "state_damp": 0.5, "command_hold": 0.2, "command_damp": 1.0,
        "quat_norm": 0.05, "joint_jump": 0.1, "turn_jump": 0.2, "turn_rate": 35.0,
        "frozen_imu": 0.5, "frozen_joints": 0.5, "frozen_moved": 0.05,
        "still_accel": 1.0, "still_gyro": 0.3, "gravity_angle": 0.5, "gravity_for": 0.5, "hold_error": 0.2,
    }  # fmt: skip
    assert (limits.MAX_KP, limits.MAX_KD) == (200.0, 20.0)


def test_only_a_simulated_robot_may_repeat_itself():
    assert SafetyConfig.of(replace(INFO, simulated=False)) == SafetyConfig()
    assert SafetyConfig.of(replace(INFO, simulated=True)) == SafetyConfig(frozen_imu=INF, frozen_joints=INF)


@pytest.mark.parametrize("name", [field.name for field in fields(SafetyConfig)])
@pytest.mark.parametrize("value", [-1e-9, float("nan")])
def test_no_figure_is_negative_or_no_number(name, value):
    with pytest.raises(RobotError, match=f"SafetyConfig.{name} is zero or more"):
        SafetyConfig(**{name: value})


def test_zero_is_a_figure():
    assert SafetyConfig(target_margin=0.0, command_hold=0.0).command_hold == 0.0


def test_power_needs_a_reading():
    assert SafetyConfig(power_readings=1).power_readings == 1
    with pytest.raises(RobotError, match="power_readings is one or more, got 0"):
        SafetyConfig(power_readings=0)


@pytest.mark.parametrize(
    ("mild", "severe"),
    [("motor_warm", "motor_hot"), ("state_hold", "state_damp"), ("command_hold", "command_damp")],
)
def test_the_mild_comes_before_the_severe(mild, severe):
    SafetyConfig(**{mild: 5.0, severe: 5.0})
    with pytest.raises(RobotError, match=f"{mild} comes before {severe}, got 5.5 and 5.0"):
        SafetyConfig(**{mild: 5.5, severe: 5.0})


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (SafetyConfig(), "power"),
        (rules(), "config"),
        (Moment(0.0, 0.0), "now"),
        (Memory.begin(0.0), "mode"),
        (Trail.start(0.0, STAND), "mismatch"),
        (Fault.POWER.row, "mode"),
        (Finding(Fault.POWER), "value"),
    ],
    ids=lambda made: type(made).__name__,
)
def test_nothing_can_be_changed_once_it_is_made(made, name):
    with pytest.raises(FrozenInstanceError):
        setattr(made, name, None)


def test_bounds_of_the_a1():
    made = rules(target_margin=0.02, position_margin=0.1, velocity_factor=1.5, torque_factor=2.0)
    # hip, thigh, calf of the first leg; limits (-0.802, 0.802), (-1.05, 4.19), (-2.70, -0.916)
    np.testing.assert_allclose(made.target_lower[:3], [-0.782, -1.03, -2.68])
    np.testing.assert_allclose(made.target_upper[:3], [0.782, 4.17, -0.936])
    np.testing.assert_allclose(made.position_lower[:3], [-0.902, -1.15, -2.80])
    np.testing.assert_allclose(made.position_upper[:3], [0.902, 4.29, -0.816])
    np.testing.assert_allclose(made.velocity, 31.5)  # 1.5 x 21
    np.testing.assert_allclose(made.torque, 67.0)  # 2 x 33.5


def test_a_margin_that_leaves_no_range_is_refused():
    # The hips' range, 2 x 0.802, is the narrowest.
    rules(target_margin=0.802)
    with pytest.raises(RobotError, match=r"target_margin 0\.803 rad leaves some joint of 'a1-sim' no range"):
        Rules(INFO, replace(SafetyConfig(), target_margin=0.803))
