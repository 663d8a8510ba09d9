"""Readings and commands through a calibration: on a fake robot, so that every number is known."""

import math
from dataclasses import replace

import numpy as np
import pytest

from robots import registry
from robots.a1.estimator import BaseEstimator
from robots.calibrated import Calibrated, mounting
from robots.calibration import Calibration, CalibrationError, Measured
from robots.calibration_parts import Feet, Imu, Joints, Motors
from robots.clock import ManualClock
from robots.fake import FakeRobot
from robots.foot_contact import FootContact
from robots.registry import refuse_uncalibrated
from robots.robot import JointCommand
from tests.contracts.robot_contract import RobotContract

NO_IMU = Imu((0.0,) * 3, (0.02,) * 3, (0.0,) * 3, (1.0,) * 3, 0.0, 0.0, 30.0)
NO_JOINTS = Joints((0.0,) * 12)
FEET = Feet((10.0, 0.0, 0.0, 0.0), (1.0,) * 4, (6.0,) * 4, (3.0,) * 4, (0.0,) * 4)


def around(robot, **parts):
    parts = {"imu": NO_IMU, "joints": NO_JOINTS, "feet": FEET, **parts}
    measured = {name: Measured(values, "by hand", "now", True) for name, values in parts.items()}
    return Calibrated(robot, Calibration("fake", "fake", "now", "test", measured))


class TestCalibratedKeepsTheContract(RobotContract):
    def make_robot(self):
        self.inner = FakeRobot()
        return around(self.inner, joints=Joints((0.01,) * 12))

    def last_sent(self, robot):
        return self.inner.commands[-1]

    def test_write_returns_what_is_left_of_a_command_beyond_limits(self, robot):
        huge = np.full(12, 1e6)
        sent = robot.write(JointCommand(huge, -huge, huge, huge, huge))
        # The encoder reads 0.01 too much and must stay within the raw limit, too.
        np.testing.assert_allclose(sent.pos, robot.info.joint_upper - 0.01)


def reading(robot, **parts):
    with around(robot, **parts) as calibrated:
        return calibrated.read()


def test_gyro_bias_is_taken_away():
    robot = FakeRobot()
    robot.gyro = np.array([0.11, 0.2, 0.3])
    state = reading(robot, imu=replace(NO_IMU, gyro_bias_rad_per_s=(0.01, 0.0, -0.1)))
    np.testing.assert_allclose(state.gyro, [0.1, 0.2, 0.4])


def test_the_accelerometer_gets_its_bias_and_then_its_scale():
    robot = FakeRobot()
    robot.accel = np.array([0.5, 0.0, 10.01])
    state = reading(
        robot, imu=replace(NO_IMU, accel_bias_m_per_s2=(0.5, 0.0, 0.2), accel_scale=(1.0, 1.0, 1.1))
    )
    np.testing.assert_allclose(state.accel, [0.0, 0.0, 1.1 * 9.81])


def test_a_crooked_imu_on_a_level_robot_reads_level():
    """Mounted rolled by 0.1 and pitched by 0.2: up in its frame is mounting^T z, and its quaternion says so."""
    robot = FakeRobot()
    turn = mounting(0.1, 0.2)
    robot.accel = turn.T @ [0.0, 0.0, 9.81]
    robot.gyro = turn.T @ [0.0, 0.0, 1.0]
    # The sensor's axes in the world are the columns of the turn: roll about x, then pitch about y.
    roll, pitch = (
        np.array([math.sin(0.05), 0, 0, math.cos(0.05)]),
        np.array([0, math.sin(0.1), 0, math.cos(0.1)]),
    )
    x, _, _, w = roll
    robot.quat_xyzw = np.array([pitch[3] * x, pitch[1] * w, -pitch[1] * x, pitch[3] * w])
    state = reading(robot, imu=replace(NO_IMU, mounting_roll_rad=0.1, mounting_pitch_rad=0.2))
    np.testing.assert_allclose(state.accel, [0, 0, 9.81], atol=1e-9)
    np.testing.assert_allclose(state.gyro, [0, 0, 1.0], atol=1e-9)
    np.testing.assert_allclose(np.abs(state.quat_xyzw), [0, 0, 0, 1], atol=1e-9)


def test_joints_are_read_and_commanded_in_true_angles():
    robot = FakeRobot()
    offset = np.linspace(-0.05, 0.05, 12)
    with around(robot, joints=Joints(tuple(offset))) as calibrated:
        np.testing.assert_allclose(calibrated.read().joint_pos, robot.info.stand_pos - offset)
        sent = calibrated.write(JointCommand.hold(robot.info.stand_pos, robot.info))
        np.testing.assert_array_equal(sent.pos, robot.info.stand_pos)
        np.testing.assert_allclose(robot.commands[-1].pos, robot.info.stand_pos + offset)


def test_torque_is_corrected_where_motors_were_measured():
    robot = FakeRobot()
    motors = Motors((0.0,) * 12, (0.0,) * 12, (1.0,) * 12, (1.0,) * 12, (2.0,) * 12)
    with around(robot, motors=motors) as calibrated:
        calibrated.write(JointCommand.hold(robot.info.stand_pos + 0.01, robot.info))
        raw, state = robot.read(), calibrated.read()
        np.testing.assert_allclose(state.joint_torque, raw.joint_torque / 2.0)


def test_a_foot_is_on_the_ground_from_its_own_threshold_on():
    robot = FakeRobot()
    with around(robot) as calibrated:
        estimator = BaseEstimator(robot.info)
        for raw, stands in ((15.9, False), (16.1, True), (13.5, True), (12.9, False), (15.0, False)):
            robot.foot_force = np.array([raw, 0.0, 0.0, 0.0])
            robot.clock.advance(0.001)
            assert estimator.update(calibrated.read()).contact[0] == stands, raw


def test_a_reading_that_is_read_twice_counts_once():
    robot = FakeRobot()
    with around(robot) as calibrated:
        assert calibrated.read() is calibrated.read()


def test_what_only_this_robot_has_is_there():
    robot = FakeRobot()
    robot.special = 7
    assert around(robot).special == 7
    with pytest.raises(AttributeError):
        _ = around(robot).nothing


def test_a_part_that_readings_need_must_be_there():
    empty = Calibration("fake", "fake", "now", "test", {})
    with pytest.raises(CalibrationError, match="no part 'imu'"):
        Calibrated(FakeRobot(), empty)


def test_nothing_is_corrected_by_what_failed(tmp_path):
    parts = {"imu": NO_IMU, "joints": NO_JOINTS, "feet": FEET}
    measured = {name: Measured(values, "by hand", "now", name != "imu") for name, values in parts.items()}
    file = tmp_path / "calibration.json"
    Calibration("fake", "blue", "now", "test", measured).save(file)
    with pytest.raises(CalibrationError, match="'imu' of 'blue' did not pass"):
        registry.make("fake", file)


def test_the_file_of_another_robot_of_the_same_kind_is_refused_where_it_is_said_which_one_it_is(tmp_path):
    file = tmp_path / "calibration.json"
    around(FakeRobot()).calibration.save(file)
    registry.make("fake", file, robot_id="fake")
    with pytest.raises(CalibrationError, match="it is of 'fake', and this robot is 'red'"):
        registry.make("fake", file, robot_id="red")


def test_the_zero_of_a_foot_in_the_air_is_followed():
    contact, clock = FootContact(FEET, settle=10.0), ManualClock()
    for step in range(3000):  # 60 s: the zero wanders by 0.1 a second, to 6, which is the threshold
        clock.advance(0.02)
        contact.update(np.array([10.0 + 0.002 * step, 0.0, 0.0, 0.0]), clock.now())
        assert not contact.contact[0]
    # It follows 10 s behind: 0.1 a second behind is 1.
    assert contact.zero[0] == pytest.approx(16.0 - 1.0, abs=0.1)


def test_the_zero_of_a_standing_foot_stays():
    contact = FootContact(FEET)
    for step in range(100):
        contact.update(np.array([60.0, 0.0, 0.0, 0.0]), 0.1 * step)
    assert contact.contact[0] and contact.zero[0] == 10.0


def feel(contact, forces, seconds, begin=0.0, noise=1.0, hz=50.0):
    """``forces`` [4], or a function of time, with a sensor's noise; the time after ``seconds``."""
    rng = np.random.default_rng(0)
    for step in range(1, round(seconds * hz) + 1):
        now = begin + step / hz
        raw = forces(now) if callable(forces) else np.array(forces)
        contact.update(raw + noise * rng.standard_normal(4), now)
    return begin + seconds


def test_a_zero_that_has_risen_since_it_was_measured_is_found_in_the_air():
    contact = FootContact(FEET)
    now = feel(contact, [18.0, 0.0, 0.0, 0.0], 2.0)
    assert contact.contact[0], "8 above zero, and 6 is a foot on the ground"
    feel(contact, [18.0, 0.0, 0.0, 0.0], 40.0, now)
    assert not contact.contact.any() and contact.zero[0] == pytest.approx(18.0, abs=1.0)


def test_a_zero_that_rises_while_the_robot_stands_is_found_when_it_is_lifted():
    contact = FootContact(FEET)
    now = feel(contact, lambda t: np.full(4, 40.0 + 0.05 * t), 100.0)
    assert contact.contact.all() and contact.zero[0] == 10.0
    feel(contact, lambda t: np.array([10.0, 0.0, 0.0, 0.0]) + 0.05 * t, 60.0, now)
    assert not contact.contact.any()


def test_feet_that_carry_the_body_and_feet_that_walk_keep_their_zeros():
    standing, walking = FootContact(FEET), FootContact(FEET)
    feel(standing, [25.0, 15.0, 15.0, 15.0], 60.0)
    assert standing.contact.all() and np.array_equal(standing.zero, FEET.zero)
    lightly = FEET.zero + np.array([8.0, 8.0, 8.0, 8.0])  # of 2 Hz, never loaded by more than a little
    feel(walking, lambda t: np.where(np.array([t % 0.5 < 0.3] * 4), lightly, FEET.zero), 60.0)
    assert np.abs(walking.zero - FEET.zero).max() < 0.5


def test_a_broken_foot_is_not_followed_for_ever():
    contact = FootContact(FEET, reach=5.0)
    for step in range(10_000):
        contact.update(np.array([-1000.0, 0.0, 0.0, 0.0]), 0.1 * step)
    assert contact.zero[0] == 10.0 - 5.0 * 6.0


def test_what_is_no_number_is_not_remembered():
    contact = FootContact(FEET)
    contact.update(np.array([np.nan, 0.0, 0.0, 0.0]), 1.0)
    assert np.isfinite(contact.zero).all()


def test_hardware_without_a_calibration_is_refused_unless_told():
    with pytest.raises(CalibrationError, match="daydreamer calibrate a1"):
        refuse_uncalibrated("a1", None, told=False)
    refuse_uncalibrated("a1", None, told=True)
    refuse_uncalibrated("a1", "file", told=False)


def test_a_stand_in_without_a_calibration_is_warned_about(caplog):
    refuse_uncalibrated("a1-sim", None, told=False)
    assert "no calibration" in caplog.text
