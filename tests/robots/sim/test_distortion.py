"""What is done to a simulated robot on purpose: each number where it belongs, and nothing by default."""

import math

import numpy as np
import pytest

from robots.calibrated import mounting
from robots.robot import JointCommand, RobotError
from robots.sim.distortion import Delay, Distorter, Distortion, Sensed
from robots.sim.noise import NoiseConfig
from robots.sim.stand_in import StandIn

LEVEL = Sensed(
    np.zeros(12),
    np.array([0.0, 0.0, 0.0, 1.0]),
    np.array([0.0, 0.0, 1.0]),
    np.array([0.0, 0.0, 9.81]),
    np.zeros(4),
)


def test_nothing_is_wrong_by_default():
    assert Distorter(Distortion()).sense(LEVEL, 5.0) is LEVEL


def test_biases_drifts_and_offsets_are_added():
    wrong = Distortion(
        gyro_bias=[0.1, 0, 0], gyro_drift=[0.01, 0, 0], accel_bias=[0, 1, 0], accel_scale=[1, 1, 2],
        joint_offset=[0.05] * 12, foot_zero=[1, 2, 3, 4], foot_drift=[1, 0, 0, 0],
    )  # fmt: skip
    said = Distorter(wrong).sense(LEVEL, 2.0)
    np.testing.assert_allclose(said.gyro, [0.12, 0, 1])
    np.testing.assert_allclose(said.accel, [0, 1, 19.62])
    np.testing.assert_allclose(said.joint_pos, 0.05)
    np.testing.assert_allclose(said.foot_force, [3, 2, 3, 4])


def test_a_crooked_imu_turns_all_that_it_says():
    said = Distorter(Distortion(mounting_roll=0.1, mounting_pitch=-0.2)).sense(LEVEL, 0.0)
    turn = mounting(0.1, -0.2)
    np.testing.assert_allclose(turn @ said.accel, [0, 0, 9.81], atol=1e-12)
    np.testing.assert_allclose(turn @ said.gyro, [0, 0, 1], atol=1e-12)
    x, y, z, w = said.quat_xyzw
    up = [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    np.testing.assert_allclose(turn @ up, [0, 0, 1], atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [
        {"gyro_bias": [0.0]},
        {"coulomb": [-1.0] * 12},
        {"sensor_delay": 1.0},
        {"accel_bias": [math.nan] * 3},
        {"wired_to": [0] * 12},
        {"turns": [0.5] * 12},
    ],
)
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(RobotError, match=next(iter(wrong))):
        Distortion(**wrong)


def test_swapped_plugs_carry_angles_speeds_and_torques_alike():
    """FR and FL (0 to 2 and 3 to 5) are swapped; at plug 2 FL_calf (joint 5) is, and turns the other way."""
    turns = np.ones(12)
    turns[2] = -1.0
    wrong = Distorter(Distortion(wired_to=[3, 4, 5, 0, 1, 2, *range(6, 12)], turns=turns))
    joints = np.arange(12.0)
    np.testing.assert_allclose(wrong.encoder(joints), [3, 4, -5, 0, 1, 2, *range(6, 12)])
    # A torque at plug 2 pushes joint 5 the other way: power, torque times speed, is the same at plug and joint.
    np.testing.assert_allclose(wrong.torque(np.eye(12)[2]), -np.eye(12)[5])
    assert wrong.torque(np.arange(12.0)) @ joints == wrong.wired(joints) @ np.arange(12.0)


def test_an_unknown_name_is_refused():
    with pytest.raises(RobotError, match="no smell"):
        Distortion.of({"smell": 1})


def test_a_delay_gives_the_oldest_until_it_is_full():
    delay = Delay(0.006, 0.002)
    assert [delay(value) for value in range(6)] == [0, 0, 0, 0, 1, 2]


def hanging(**wrong):
    robot = StandIn(start="hang", start_jitter=0.0, noise=NoiseConfig.none(), distortion=wrong)
    robot.connect()
    return robot


def test_a_robot_in_a_stand_hangs_still():
    with hanging() as robot:
        robot.clock.sleep_until(0.2)
        state = robot.read()
        assert robot.truth()["position"][2] == pytest.approx(0.7, abs=1e-3)
        assert not state.foot_force.any() and np.abs(state.gyro).max() < 1e-3
        np.testing.assert_allclose(state.accel, [0, 0, 9.81], atol=1e-2)


def test_friction_holds_a_joint_against_less_torque():
    with hanging(coulomb=[1.0] * 12) as robot:
        none = np.zeros(12)
        before = robot.read().joint_pos
        for _ in range(5):
            torque = np.where(np.arange(12) % 3 == 2, 0.5, 0.0)  # on calves, whose weight is 0.3 N m
            robot.write(JointCommand(none, none, torque, none, none))
            robot.clock.sleep_until(robot.clock.now() + 0.05)
        moved = robot.read().joint_pos - before
        assert np.abs(moved[2::3]).max() < 0.01


def test_late_sensors_show_the_past():
    with hanging(sensor_delay=0.02) as robot, hanging() as other:
        for one in (robot, other):
            one.write(JointCommand.hold(one.info.stand_pos - 0.1, one.info))
        other.clock.sleep_until(0.08)
        robot.clock.sleep_until(0.10)
        np.testing.assert_allclose(robot.read().joint_pos, other.read().joint_pos, atol=1e-9)
