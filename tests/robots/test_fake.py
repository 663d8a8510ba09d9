"""The fake robot keeps the contract, moves as it says, and fails when told to."""

from dataclasses import replace

import numpy as np
import pytest

from robots.clock import ManualClock, MonotonicClock
from robots.fake import FakeRobot
from robots.robot import JointCommand, RobotError, StaleState
from tests.contracts.robot_contract import RobotContract, short_info


class TestFakeRobotKeepsTheContract(RobotContract):
    def make_robot(self):
        return FakeRobot()

    def last_sent(self, robot):
        return robot.commands[-1]


class TestAnotherRobotKeepsTheContract(RobotContract):
    def make_robot(self):
        return FakeRobot(info=short_info(FakeRobot().info), clock=ManualClock(start=100.0))

    def last_sent(self, robot):
        return robot.commands[-1]

    def test_a_refusal_names_the_joint(self, robot):
        pytest.skip("it has one joint only")


@pytest.fixture
def robot():
    with FakeRobot(lag=0.1) as robot:
        yield robot


def step(robot, seconds):
    robot.clock.sleep_until(robot.clock.now() + seconds)
    return robot.read()


def test_joints_close_in_with_the_lag(robot):
    start = robot.read().joint_pos
    robot.write(JointCommand.hold(start + 0.1, robot.info))
    # After one lag 1 - 1/e = 0.632 of the way is gone, after two 0.865.
    np.testing.assert_allclose(step(robot, 0.1).joint_pos - start, 0.0632, atol=1e-4)
    np.testing.assert_allclose(step(robot, 0.1).joint_pos - start, 0.0865, atol=1e-4)


def test_joint_velocity_is_the_change_of_angle(robot):
    before = robot.read()
    robot.write(JointCommand.hold(before.joint_pos + 0.1, robot.info))
    after = step(robot, 0.05)
    np.testing.assert_allclose(after.joint_vel, (after.joint_pos - before.joint_pos) / 0.05)


def test_no_joint_is_faster_than_its_motor():
    with FakeRobot(lag=0.001) as robot:
        start = robot.read().joint_pos
        robot.write(JointCommand.hold(robot.info.joint_upper, robot.info))
        state = step(robot, 0.01)
        # 21 rad/s for 10 ms is 0.21 rad, and every thigh has farther to go.
        np.testing.assert_allclose((state.joint_pos - start)[1::3], 0.21)
        assert np.abs(state.joint_vel).max() <= 21.0 + 1e-9


def test_a_damped_joint_stays(robot):
    state = robot.read()
    robot.write(replace(JointCommand.damp(state, robot.info), pos=state.joint_pos + 0.3))
    np.testing.assert_array_equal(step(robot, 1.0).joint_pos, state.joint_pos)


def test_torque_is_what_the_gains_make_of_the_error(robot):
    state = robot.read()
    robot.write(JointCommand.hold(state.joint_pos + [0.1, 0, 0] * 4, robot.info))
    torque = step(robot, 0.001).joint_torque
    # 1 ms on, 0.099 rad remain and it moves 0.995 rad/s: 100 x 0.099 - 1 x 0.995 = 8.9 N m.
    assert torque[0] == pytest.approx(8.9, abs=0.01)
    assert torque[1] == pytest.approx(0.0, abs=1e-9)


def test_a_reading_is_repeated_until_time_passes(robot):
    assert robot.read() is robot.read()
    assert step(robot, 0.05).seq == 2


def test_it_keeps_the_newest_thousand_commands(robot):
    for number in range(1005):
        robot.write(JointCommand.hold(robot.info.stand_pos + number * 1e-4, robot.info))
    assert len(robot.commands) == 1000
    assert robot.commands[0].pos[0] == pytest.approx(5e-4)


def test_its_senses_can_be_set(robot):
    robot.quat_xyzw = np.array([1.0, 0.0, 0.0, 0.0])
    robot.foot_force = np.full(4, 30.0)
    state = step(robot, 0.05)
    np.testing.assert_array_equal(state.quat_xyzw, [1, 0, 0, 0])
    np.testing.assert_array_equal(state.foot_force, 30.0)


def test_an_absent_robot_cannot_be_connected():
    robot = FakeRobot()
    robot.absent = True
    with pytest.raises(RobotError, match="does not answer"):
        robot.connect()


def test_a_silent_robot_has_no_state(robot):
    robot.silent = True
    with pytest.raises(StaleState):
        robot.read()
    robot.silent = False
    robot.read()


def test_a_frozen_robot_repeats_itself(robot):
    before = robot.read()
    robot.frozen = True
    assert step(robot, 1.0) is before


def test_a_limp_robot_obeys_nothing(robot):
    before = robot.read().joint_pos
    robot.limp = True
    sent = robot.write(JointCommand.hold(before + 0.3, robot.info))
    state = step(robot, 1.0)
    np.testing.assert_array_equal(state.joint_pos, before)
    np.testing.assert_array_equal(state.joint_torque, 0.0)
    assert robot.commands[-1] is sent


def test_clocks():
    assert isinstance(FakeRobot().clock, ManualClock)
    assert isinstance(FakeRobot(realtime=True).clock, MonotonicClock)
    with pytest.raises(ValueError, match="not both"):
        FakeRobot(clock=ManualClock(), realtime=True)
    with pytest.raises(ValueError, match="lag"):
        FakeRobot(lag=0.0)
