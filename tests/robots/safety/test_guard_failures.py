"""The guard stays safe when the robot in it, its driver, or its commander does not."""

from dataclasses import replace

import numpy as np
import pytest

from robots.robot import CommandError, JointCommand, RobotError, StaleState
from robots.safety.faults import Fault
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode
from tests.robots.safety.guarded import PERFECT, damps, equal, found, stand, wait

# A commander that hangs, or goes mad


def test_a_commander_that_hangs_is_noticed_by_ticks(guard, robot):
    stand(guard, seconds=0.0)
    for _ in range(19):  # 0.19 s
        wait(guard, 0.01)
        guard.tick()
    assert guard.mode is Mode.NORMAL and len(robot.commands) == 1
    wait(guard, 0.02)
    guard.tick()
    assert guard.mode is Mode.HOLD and robot.commands[-1].kp.all()
    for _ in range(80):
        wait(guard, 0.01)
        guard.tick()
    assert guard.mode is Mode.DAMP and damps(robot.commands[-1])


def test_a_commander_that_was_away_too_long_is_not_obeyed(guard):
    stand(guard, seconds=0.3)
    np.testing.assert_array_equal(stand(guard, away=0.1).pos, guard.info.stand_pos)
    assert guard.mode is Mode.HOLD


def test_a_senseless_command_is_refused_and_the_robot_holds(guard, robot):
    stand(guard)
    command = JointCommand.hold(guard.info.stand_pos + 0.3, guard.info)
    command.kp[3] = np.nan
    with pytest.raises(CommandError, match="FL_hip"):
        guard.write(command)
    assert guard.mode is Mode.HOLD and found(guard) == [Fault.COMMAND_SENSELESS]
    np.testing.assert_array_equal(robot.commands[-1].pos, guard.info.stand_pos)


def test_senseless_commands_are_no_commands(guard):
    stand(guard)
    for _ in range(22):  # 1.1 s
        with pytest.raises(CommandError):
            guard.write(replace(JointCommand.hold(guard.info.stand_pos, guard.info), vel=None))
        wait(guard)
    assert guard.mode is Mode.DAMP


# A robot that is silent, or whose driver fails


def test_a_driven_robot_that_falls_silent(guard, robot):
    stand(guard)
    robot.silent = True
    for then_after, mode in ((0.06, Mode.NORMAL), (0.5, Mode.HOLD), (0.05, Mode.DAMP)):
        with pytest.raises(StaleState):
            guard.read()
        assert guard.mode is mode
        stand(guard, then_after)
    assert damps(robot.commands[-1])


def test_a_robot_that_repeats_itself_is_stale(guard, robot):
    stand(guard)
    robot.frozen = True
    guard.read()
    wait(guard, 0.06)
    with pytest.raises(StaleState, match=r"'fake' has read nothing new and sensible for 0\.110 s.*0\.1 s"):
        guard.read()
    assert guard.mode is Mode.HOLD


def test_on_the_limit_a_reading_is_fresh_enough(robot):
    exact = replace(PERFECT, state_hold=0.125)
    with SafetyGuard(robot, exact) as guard:
        guard.read()
        robot.frozen = True
        wait(guard, 0.125)
        guard.read()
        wait(guard, 0.001)
        with pytest.raises(StaleState):
            guard.read()
        assert guard.mode is Mode.NORMAL, "a passive robot may be silent"


def test_a_broken_connection_is_silence_too(guard, robot):
    stand(guard)
    robot.broken = True
    wait(guard, 0.1)
    with pytest.raises(RobotError, match="gone"):
        guard.read()
    assert guard.mode is Mode.HOLD
    stand(guard, 0.5)
    stand(guard)
    assert guard.mode is Mode.DAMP


@pytest.mark.parametrize("error", [RobotError("refused"), OSError(105, "no buffer space")])
def test_a_write_that_fails_damps_and_is_tried_again(guard, robot, error):
    stand(guard)
    robot.failing, robot.error = 1, error
    sent = stand(guard, away=0.1)
    assert guard.mode is Mode.DAMP and found(guard) == [Fault.WRITE_FAILED]
    assert damps(sent) and damps(robot.commands[-1]), "the damping that followed came through"


def test_while_writes_fail_it_tells_what_the_motors_got_last(guard, robot):
    first = stand(guard)
    robot.failing = 4
    assert equal(stand(guard, away=0.1), first) and equal(stand(guard), first)
    assert guard.mode is Mode.DAMP and not damps(robot.commands[-1]) and robot.failing == 0
    assert damps(stand(guard))


def test_off_is_not_silent_before_it_has_damped(guard, robot):
    stand(guard)
    robot.failing = 2
    guard.trip(Fault.SWITCHED_OFF)
    assert guard.mode is Mode.OFF and robot.failing == 0
    guard.tick()
    assert damps(robot.commands[-1])
    before = len(robot.commands)
    guard.tick()
    assert len(robot.commands) == before


def test_a_robot_that_never_took_a_command_is_told_to_be_passive(guard, robot):
    robot.failing = 2
    assert damps(stand(guard))
