"""The decision: what goes to the motors in each mode, and what brings the mode down."""

import math
from dataclasses import fields

import numpy as np
import pytest

from robots.robot import JointCommand
from robots.safety.core import damp
from robots.safety.faults import Fault, Finding
from robots.safety.modes import Mode
from tests.robots.safety.loop import Loop, names, passive, same
from tests.robots.safety.readings import INFO, STAND, at, rolled, stand

# NORMAL


def test_in_normal_commands_pass():
    loop = Loop()
    verdict = loop.step(stand(pos=STAND + 0.1))
    assert same(verdict.command, stand(pos=STAND + 0.1))
    assert verdict.faults == () and loop.mode is Mode.NORMAL
    assert verdict.memory.sent is verdict.command and verdict.memory.sent_at == 10.05


def test_without_a_command_nothing_is_written():
    assert Loop().step().command is None


def test_what_is_reduced_is_told_and_the_mode_stays():
    loop = Loop()
    verdict = loop.step(stand(pos=at(0, 5.0, STAND)))
    assert verdict.command.pos[0] == pytest.approx(0.792)  # 0.802 less the margin
    assert names(verdict) == [Fault.TARGET_RANGE]
    assert loop.mode is Mode.NORMAL and loop.memory.cause == ()


def test_the_first_target_starts_at_the_joints():
    # 20 rad/s for 50 ms is 1 rad from the measured 0.9.
    assert Loop().step(stand(pos=at(1, 4.0, STAND))).command.pos[1] == pytest.approx(1.9)


def test_the_next_target_starts_at_the_one_before():
    loop = Loop()
    loop.step(stand(pos=at(1, 1.9, STAND)))
    assert loop.step(stand(pos=at(1, 4.0, STAND))).command.pos[1] == pytest.approx(2.9)


def test_a_joint_that_was_not_stiff_starts_where_it_is():
    loop = Loop()
    loop.step(stand(pos=at(1, 1.9, STAND), kp=at(1, 0.0, 50.0)))
    assert loop.step(stand(pos=at(1, 4.0, STAND))).command.pos[1] == pytest.approx(1.9)


def test_the_step_counts_from_the_last_command():
    loop = Loop(target_rate=10.0)
    loop.step(stand())
    loop.step(dt=0.02)
    assert loop.step(stand(pos=at(1, 4.0, STAND)), dt=0.03).command.pos[1] == pytest.approx(1.4)


def test_a_warm_motor_is_told_only():
    loop = Loop()
    verdict = loop.step(stand(), temperature=np.full(12, 55.0))
    assert names(verdict) == [Fault.MOTOR_WARM] and verdict.command is not None and loop.mode is Mode.NORMAL


# HOLD


@pytest.mark.parametrize("name", [field.name for field in fields(JointCommand)])
@pytest.mark.parametrize("fault", ["nan", "inf", "short", "none"])
def test_a_senseless_command_holds(name, fault):
    loop = Loop()
    loop.step(stand(pos=STAND + 0.1))
    spoilt = {"nan": at(3, math.nan), "inf": at(3, math.inf), "short": np.zeros(11), "none": None}[fault]
    verdict = loop.step(stand(**{name: spoilt}))
    assert names(verdict) == [Fault.COMMAND_SENSELESS]
    assert loop.mode is Mode.HOLD
    assert same(verdict.command, stand(pos=STAND + 0.1))


def test_in_hold_no_command_passes():
    loop = Loop()
    loop.step(stand())
    loop.step(stand(kp=None))
    for command in (stand(pos=STAND + 0.3), None, stand(pos=STAND - 0.3)):
        verdict = loop.step(command)
        assert same(verdict.command, stand()), "the pose is said again and again"
        assert verdict.memory.sent_at == loop.now
    assert loop.mode is Mode.HOLD


def test_hold_keeps_the_target_that_carries_the_robot():
    # Standing, a joint sags 0.15 rad below its target: holding the angle instead would sag as much again.
    loop = Loop()
    loop.step(stand(pos=STAND + 0.15))
    assert same(loop.step(stand(kp=None)).command, stand(pos=STAND + 0.15))


@pytest.mark.parametrize("sign", [-1, 1])
def test_hold_does_not_go_on_to_a_far_target(sign):
    # The target is 0.5 rad ahead; 0.2 rad of it are kept.
    loop = Loop()
    loop.step(stand(pos=at(1, 0.9 + sign * 0.5, STAND)))
    verdict = loop.step(stand(kp=None))
    np.testing.assert_allclose(verdict.command.pos, at(1, 0.9 + sign * 0.2, STAND))


def test_hold_is_stiff_as_the_robot_stands():
    loop = Loop()
    loop.step(stand(kp=np.full(12, 20.0), kd=np.full(12, 0.5), torque=at(0, 3.0), vel=at(1, 2.0)))
    assert same(loop.step(stand(kp=None)).command, stand())


def test_a_joint_that_was_limp_is_held_where_it_is():
    loop = Loop()
    loop.step(stand(pos=STAND + 0.15, kp=at(1, 0.0, 50.0)))
    assert loop.step(stand(kp=None)).command.pos[1] == 0.9


def test_a_little_stiffness_is_stiffness():
    loop = Loop()
    loop.step(stand(pos=at(1, 1.9, STAND), kp=np.full(12, 0.5)))
    assert loop.step(stand(pos=at(1, 4.0, STAND), kp=np.full(12, 0.5))).command.pos[1] == pytest.approx(2.9)
    loop = Loop()
    loop.step(stand(pos=STAND + 0.15, kp=np.full(12, 0.5)))
    np.testing.assert_array_equal(loop.step(stand(kp=None)).command.pos, STAND + 0.15)


def test_hold_stays_within_the_joints_range():
    edge = at(0, 0.85, STAND)  # found 0.048 outside, less than the margin
    loop = Loop()
    loop.step(stand(pos=edge), joint_pos=edge)
    verdict = loop.step(stand(kp=None), joint_pos=edge)
    assert verdict.command.pos[0] == pytest.approx(0.792)


@pytest.mark.parametrize(
    "before", [None, {"kp": np.zeros(12)}], ids=["never commanded", "commanded to be passive"]
)
def test_a_passive_robot_does_not_stiffen_to_hold(before):
    loop = Loop()
    if before:
        loop.step(stand(**before))
    loop.step()
    verdict = loop.step(stand(kp=None))
    assert loop.mode is Mode.HOLD and passive(verdict.command)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_joint_that_is_moved_out_of_its_held_pose_is_pulled_back_no_harder_than_by_hold_error(sign):
    loop = Loop()
    loop.step(stand())
    loop.step(stand(kp=None))
    for moved, target in ((0.1, 0.0), (0.2, 0.0), (0.3, 0.1), (0.6, 0.4), (0.1, 0.0)):
        verdict = loop.step(joint_pos=at(1, 0.9 + sign * moved, STAND))
        np.testing.assert_allclose(verdict.command.pos, at(1, 0.9 + sign * target, STAND), atol=1e-12)
        assert same(verdict.memory.held, stand()), "it is let go back to the same pose"
    assert loop.mode is Mode.HOLD


def test_what_pulls_a_held_joint_stays_within_its_range_wherever_the_joint_is():
    loop = Loop(hold_error=0.02, position_margin=1.0)
    loop.step(stand())
    loop.step(stand(kp=None))
    assert loop.step(joint_pos=at(0, 0.9, STAND)).command.pos[0] == pytest.approx(0.792)


def test_while_nothing_is_read_a_held_target_stays_where_the_last_reading_left_it():
    loop = Loop()
    loop.step(stand())
    loop.step(stand(kp=None))
    loop.step(joint_pos=at(1, 1.4, STAND))
    elsewhere = at(1, 0.2, STAND)
    for nothing in (
        {"state": None}, {"joint_pos": at(1, math.nan, STAND)}, {"quat_xyzw": np.zeros(4), "joint_pos": elsewhere},
    ):  # fmt: skip
        np.testing.assert_allclose(loop.step(**nothing).command.pos, at(1, 1.2, STAND))
    assert loop.mode is Mode.HOLD


@pytest.mark.parametrize("name", ["kp", "torque", "vel"])
def test_one_joint_that_pushes_is_enough_to_be_driven_and_none_is_stiffened_that_was_not(name):
    loop = Loop()
    loop.step(stand(**{"kp": np.zeros(12)} | {name: at(4, 1.0)}))
    verdict = loop.step(stand(kp=None))
    assert loop.mode is Mode.HOLD
    assert same(verdict.command, stand(kp=at(4, INFO.default_kp[4]) if name == "kp" else np.zeros(12)))


SPOILT_READINGS = {
    "a number that is none": ({"joint_pos": at(2, math.nan)}, Fault.STATE_SENSELESS),
    "a short array": ({"gyro": np.zeros(2)}, Fault.STATE_SENSELESS),
    "no rotation": ({"quat_xyzw": np.zeros(4)}, Fault.NO_ROTATION),
}


@pytest.mark.parametrize("kind", SPOILT_READINGS)
def test_a_senseless_reading_holds_the_pose_before_it(kind):
    spoilt, fault = SPOILT_READINGS[kind]
    loop = Loop()
    loop.step(stand(pos=STAND + 0.1), joint_pos=STAND)
    elsewhere = {"joint_pos": STAND + 0.8} | spoilt
    verdict = loop.step(stand(pos=STAND + 0.5), **elsewhere)
    assert names(verdict) == [fault] and loop.mode is Mode.HOLD
    assert same(verdict.command, stand(pos=STAND + 0.1))
    # Such readings count as none: what goes on is damped. 0.05 s of them have passed, and the limit is 0.5 s.
    assert loop.memory.last.seq == 2
    loop.step(dt=0.44, **elsewhere)
    assert loop.mode is Mode.HOLD
    assert Fault.STATE_LOST in names(loop.step(dt=0.02, **elsewhere)) and loop.mode is Mode.DAMP


def test_a_reading_without_a_rotation_still_shows_its_motors():
    verdict = Loop().step(quat_xyzw=np.zeros(4), joint_vel=at(3, 99.0))
    assert names(verdict) == [Fault.NO_ROTATION, Fault.JOINT_VELOCITY]


def test_an_imu_that_jumps_holds_the_pose_before():
    loop = Loop()
    loop.step(stand(pos=STAND + 0.1))
    verdict = loop.step(stand(), quat_xyzw=rolled(2.5), joint_pos=STAND + 0.7)
    assert names(verdict) == [Fault.IMU_JUMP] and loop.mode is Mode.HOLD
    # What is held is the pose before, and it pulls no farther than 0.2 rad from 0.7.
    np.testing.assert_allclose(verdict.command.pos, STAND + 0.5)
    assert same(loop.step(stand(), joint_pos=STAND).command, stand(pos=STAND + 0.1))


# DAMP


DANGERS = {
    Fault.JOINT_POSITION: {"joint_pos": at(0, 0.9, STAND)},
    Fault.JOINT_VELOCITY: {"joint_vel": at(0, 26.0)},
    Fault.JOINT_TORQUE: {"joint_torque": at(0, 36.0)},
    Fault.TILT: {"quat_xyzw": rolled(0.6)},
    Fault.JOINT_JUMP: {"joint_pos": at(1, 2.8, STAND)},  # 25.2 rad/s x 50 ms + 0.1 rad is 1.36 rad
}


@pytest.mark.parametrize("fault", DANGERS, ids=lambda fault: fault.value)
def test_danger_damps(fault):
    loop = Loop(tilt=0.5)
    loop.step(stand())
    verdict = loop.step(stand(), **DANGERS[fault])
    assert names(verdict) == [fault]
    assert loop.mode is Mode.DAMP and loop.memory.cause == verdict.faults
    assert passive(verdict.command)
    assert passive(loop.step(stand()).command), "also when the danger is over"
    assert loop.mode is Mode.DAMP


def test_power_damps_at_the_sixth_reading_in_a_row():
    # 30 N m x 15 rad/s at two joints: 900 W.
    hard = {"joint_torque": at(1, 30.0) + at(2, 30.0), "joint_vel": at(1, 15.0) + at(2, 15.0)}
    loop = Loop()
    for _ in range(5):
        assert names(loop.step(stand(), **hard)) == []
    loop.step(stand())  # one that is not breaks the row
    for _ in range(5):
        assert names(loop.step(stand(), **hard)) == []
    for _ in range(9):
        loop.step(stand(), new=False, dt=0.001, **hard)  # the same reading again does not count
    assert loop.mode is Mode.NORMAL
    verdict = loop.step(stand(), **hard)
    assert verdict.faults == (Finding(Fault.POWER, pytest.approx(900.0), 800.0),)
    assert loop.mode is Mode.DAMP


def test_power_on_the_limit_is_within():
    loop = Loop(power=800.0, power_readings=1)
    assert names(loop.step(joint_torque=at(1, 32.0), joint_vel=at(1, 20.0) + at(2, 1.0))) == []
    exact = {"joint_torque": at(1, 32.0) + at(2, 16.0), "joint_vel": at(1, 20.0) + at(2, 10.0)}  # 640 + 160 W
    assert names(loop.step(**exact)) == []
    exact["joint_vel"] = at(1, 20.0) + at(2, 10.001)
    assert names(loop.step(**exact)) == [Fault.POWER]


def test_damping_a_robot_that_never_read_anything():
    loop = Loop()
    verdict = loop.step(stand(), state=None, alarms=(Finding(Fault.EMERGENCY_STOP),))
    assert loop.mode is Mode.DAMP and passive(verdict.command)


def test_damping_says_the_pose_it_is_in():
    loop = Loop()
    loop.step(joint_pos=STAND + 0.1)
    np.testing.assert_array_equal(damp(loop.rules, loop.memory).pos, STAND + 0.1)


# OFF


def test_a_hot_motor_damps_once_and_then_falls_silent():
    loop = Loop()
    loop.step(stand())
    assert passive(loop.step(stand(), temperature=at(3, 60.0, 30.0)).command)
    assert loop.mode is Mode.OFF
    for _ in range(3):
        assert loop.step(stand()).command is None
    assert loop.mode is Mode.OFF
