"""The guard is a robot like any other, stops when it must, and starts again only for a person."""

import numpy as np
import pytest

from robots.fake import FakeRobot
from robots.robot import CommandError, JointCommand, Robot, RobotError, StaleState
from robots.safety.faults import Fault, Finding
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode
from tests.contracts.robot_contract import RobotContract
from tests.robots.safety.guarded import PERFECT, PERIOD, damps, equal, found, stand, wait


class TestTheGuardKeepsTheContract(RobotContract):
    """One promise it keeps more strictly: beyond limits, more is left out than the driver would."""

    def make_robot(self):
        return SafetyGuard(FakeRobot(), PERFECT)

    def last_sent(self, robot):
        return robot.robot.commands[-1]

    def test_write_returns_what_is_left_of_a_command_beyond_limits(self, robot):
        info = robot.info
        huge = np.full(info.joints, 1e6)
        robot.clock.sleep_until(robot.clock.now() + PERIOD)
        sent = robot.write(JointCommand(huge, -huge, huge, huge, huge))
        # 21 rad/s for 50 ms is 1.05 rad, and no joint comes nearer to its limit than 0.01 rad.
        np.testing.assert_allclose(
            sent.pos, np.minimum(info.stand_pos + 1.05, info.joint_upper - 0.01), rtol=0, atol=1e-12
        )
        np.testing.assert_array_equal(sent.vel, -info.max_velocity)
        np.testing.assert_array_equal(sent.torque, info.max_torque)
        assert (sent.kp < 1e6).all() and (sent.kd < 1e6).all()


# Normal life


def test_while_all_is_well_it_is_not_felt(guard, robot):
    for _ in range(100):
        sent = stand(guard, away=0.1)
        guard.read()
    assert guard.mode is Mode.NORMAL and guard.stopped == "" and guard.faults == () and not guard.counts
    assert equal(sent, robot.commands[-1]) and len(robot.commands) == 100
    assert guard.robot is robot and isinstance(guard, Robot)


def test_a_reading_writes_nothing(guard, robot):
    guard.read()
    guard.tick()
    assert not robot.commands


def test_what_it_found_is_counted(guard):
    for _ in range(3):
        guard.write(JointCommand.hold(guard.info.joint_upper, guard.info))
        wait(guard)
    assert (
        guard.counts == {Fault.TARGET_RANGE: 3, Fault.TARGET_STEP: 3} or guard.counts[Fault.TARGET_RANGE] == 3
    )


def test_what_it_returns_is_the_callers(guard, robot):
    sent = stand(guard)
    sent.pos[:] = 9.0
    guard.trip(Fault.COMMAND_LATE)
    np.testing.assert_array_equal(robot.commands[-1].pos, guard.info.stand_pos)


def test_the_configuration_has_a_default():
    with SafetyGuard(FakeRobot()) as guard:
        for _ in range(12):
            stand(guard)
        assert found(guard) == [Fault.IMU_FROZEN], "it believes no sensor without noise"


# A robot that does not obey any more


def test_after_a_stop_what_is_sent_is_not_what_was_asked(guard):
    stand(guard)
    guard.trip(Fault.COMMAND_LATE)
    sent = stand(guard, away=0.3)
    np.testing.assert_array_equal(sent.pos, guard.info.stand_pos)
    assert guard.mode is Mode.HOLD


def test_why_it_stopped_is_told_to_a_person(guard):
    stand(guard)
    guard.clock.advance(2.0)
    guard.read()
    assert guard.stopped == (
        "DAMP: no new command for long: 2.05 s, the limit is 1 s. "
        "A reset is granted: at once; look at who should command."
    )


def test_several_causes_are_all_told_and_how_they_clear_only_once(guard, robot):
    robot.temperature = np.full(12, 70.0)
    robot.quat_xyzw = np.zeros(4)
    wait(guard)
    guard.read()
    assert guard.mode is Mode.OFF
    assert guard.stopped.startswith("OFF: the orientation is no rotation")
    assert "; a motor is too hot at FR_hip: 70 degC" in guard.stopped
    assert guard.stopped.endswith("A reset is granted: when the norm is 1 again; when it is cooler: wait.")


def test_a_fault_seen_in_reading_acts_at_once(guard, robot):
    stand(guard)
    before = len(robot.commands)
    robot.temperature = np.full(12, 60.0)
    state = guard.read()
    assert state.temperature[0] == 60.0, "it is a fault, not an error"
    assert guard.mode is Mode.OFF and damps(robot.commands[-1]) and len(robot.commands) == before + 1


def test_off_damps_once_and_then_falls_silent(guard, robot):
    stand(guard)
    guard.trip(Fault.SWITCHED_OFF)
    assert damps(robot.commands[-1])
    before = len(robot.commands)
    for _ in range(3):
        sent = stand(guard)
        guard.read()
        guard.tick()
        guard.trip(Fault.SWITCHED_OFF)
        assert damps(sent), "what the motors got last"
    assert len(robot.commands) == before


def test_a_trip_acts_at_once(guard, robot):
    stand(guard)
    guard.trip(Fault.EMERGENCY_STOP)
    assert guard.mode is Mode.DAMP and damps(robot.commands[-1]) and found(guard) == [Fault.EMERGENCY_STOP]
    before = len(robot.commands)
    guard.trip(Fault.EMERGENCY_STOP)
    assert len(robot.commands) == before + 1, "and again, each time it is pressed"


def test_a_trip_before_connecting_is_remembered(robot):
    guard = SafetyGuard(robot, PERFECT)
    guard.trip(Fault.EMERGENCY_STOP)
    assert guard.mode is Mode.DAMP and not robot.commands
    with guard:
        assert guard.mode is Mode.DAMP and "someone pressed stop" in guard.stopped
        assert damps(stand(guard))


def test_in_hold_and_damp_a_tick_says_it_again(guard, robot):
    stand(guard)
    for fault in (Fault.COMMAND_LATE, Fault.EMERGENCY_STOP):
        guard.trip(fault)
        before = len(robot.commands)
        guard.tick()
        guard.tick()
        assert len(robot.commands) == before + 2
        assert damps(robot.commands[-1]) is (fault is Fault.EMERGENCY_STOP)


def test_a_tick_needs_a_connection(robot):
    guard = SafetyGuard(robot, PERFECT)
    guard.tick()
    assert guard.faults == () and not robot.commands


# Reset


def test_a_person_resets(guard):
    stand(guard)
    guard.trip(Fault.EMERGENCY_STOP)
    guard.reset("Ada")
    assert guard.mode is Mode.NORMAL and guard.stopped == "" and guard.faults == ()
    wait(guard)
    np.testing.assert_array_equal(stand(guard, away=0.1).pos, guard.info.stand_pos + 0.1)


def test_nobody_does_not(guard):
    guard.trip(Fault.EMERGENCY_STOP)
    with pytest.raises(RobotError, match="name"):
        guard.reset(" ")
    assert guard.mode is Mode.DAMP


def test_not_while_the_fault_is_there(guard, robot):
    robot.temperature = np.full(12, 65.0)
    wait(guard)
    guard.read()
    with pytest.raises(RobotError, match="'fake' stays in OFF: a motor is too hot at FR_hip: 65 degC"):
        guard.reset("Ada")
    assert guard.mode is Mode.OFF and guard.stopped.startswith("OFF")
    robot.temperature = np.full(12, 55.0)
    wait(guard)
    guard.reset("Ada")
    assert guard.mode is Mode.NORMAL and found(guard) == [Fault.MOTOR_WARM]


def test_not_while_the_robot_is_silent(guard, robot):
    stand(guard)
    robot.silent = True
    guard.trip(Fault.EMERGENCY_STOP)
    with pytest.raises(StaleState):
        guard.reset("Ada")
    robot.silent, robot.frozen = False, True
    wait(guard, 0.3)
    with pytest.raises(StaleState):
        guard.reset("Ada")
    assert guard.mode is Mode.DAMP


def test_after_a_reset_the_target_starts_where_the_robot_is(guard, robot):
    stand(guard)
    guard.trip(Fault.EMERGENCY_STOP)
    wait(guard, 5.0)
    guard.reset("Ada")
    wait(guard)
    sent = guard.write(JointCommand.hold(guard.info.joint_upper, guard.info))
    assert sent.pos[1] == pytest.approx(0.9 + 0.1 * 21.0), "a pause of 5 s allows the step of 0.1 s"


def test_after_a_reset_from_hold_somebody_must_command(guard):
    stand(guard)
    guard.clock.advance(0.5)
    guard.read()
    assert guard.mode is Mode.HOLD
    guard.reset("Ada")
    wait(guard, 0.15)
    guard.read()
    assert guard.mode is Mode.NORMAL, "counted anew"
    wait(guard, 0.1)
    guard.read()
    assert guard.mode is Mode.HOLD and found(guard) == [Fault.COMMAND_LATE]


def test_reset_needs_a_connection(robot):
    with pytest.raises(RobotError, match="not connected"):
        SafetyGuard(robot, PERFECT).reset("Ada")


# Connecting and closing


def test_connecting_again_forgives_nothing(guard):
    stand(guard)
    guard.trip(Fault.EMERGENCY_STOP)
    guard.close()
    assert guard.mode is Mode.DAMP
    guard.connect()
    assert guard.mode is Mode.DAMP and "someone pressed stop" in guard.stopped
    guard.connect()
    assert damps(stand(guard))


def test_a_hold_found_on_connecting_is_passive(guard, robot):
    stand(guard)
    guard.trip(Fault.COMMAND_LATE)
    assert robot.commands[-1].kp.all()
    guard.close()
    guard.connect()
    assert guard.mode is Mode.HOLD and damps(stand(guard, away=0.2))


def test_a_new_connection_starts_with_a_clean_sheet(guard, robot):
    stand(guard)
    guard.close()
    wait(guard, 60.0)
    guard.connect()
    wait(guard, 60.0)
    guard.read()
    assert guard.mode is Mode.NORMAL and guard.faults == ()


def test_connecting_twice_forgets_nothing(guard):
    stand(guard, seconds=0.0)
    wait(guard, 0.15)
    guard.connect()
    wait(guard, 0.1)
    guard.read()
    assert guard.mode is Mode.HOLD


def test_a_robot_that_is_not_there_is_not_connected(robot):
    guard = SafetyGuard(robot, PERFECT)
    robot.absent = True
    with pytest.raises(RobotError, match="does not answer"):
        guard.connect()
    with pytest.raises(CommandError, match="'fake' is not connected"):
        stand(guard)


@pytest.mark.parametrize("error", [RobotError("refused"), OSError("gone"), ZeroDivisionError("a bug")])
def test_close_lets_go_whatever_happens(robot, error):
    guard = SafetyGuard(robot, PERFECT)
    guard.connect()
    stand(guard)
    robot.failing, robot.error = 1, error
    if isinstance(error, ZeroDivisionError):
        with pytest.raises(ZeroDivisionError):
            guard.close()
    else:
        guard.close()
    assert robot.closed == 1
    with pytest.raises(CommandError):
        stand(guard)


def test_close_damps_by_itself_too(robot):
    guard = SafetyGuard(robot, PERFECT)
    guard.connect()
    stand(guard)
    robot.close = lambda: None  # a driver that forgets to
    guard.close()
    assert damps(robot.commands[-1])


def test_what_a_finding_was_is_kept_after_the_check(guard):
    guard.trip(Fault.MOTOR_WARM)
    assert guard.faults == (Finding(Fault.MOTOR_WARM),) and guard.mode is Mode.NORMAL
