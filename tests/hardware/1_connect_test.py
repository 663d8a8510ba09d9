"""Step 1, motors off: the link is there, and is closed as it should be."""

import pytest

from robots.robot import RobotError
from robots.safety.modes import Mode


def test_it_connects_is_passive_and_lets_go(make):
    robot = make()
    robot.connect()
    assert robot.mode is Mode.NORMAL and robot.stopped == ""
    assert not robot.sent().kp.any() and not robot.sent().torque.any()
    robot.connect()  # again: harmless
    robot.close()
    robot.close()
    with pytest.raises(RobotError, match="not connected"):
        robot.read()
    robot.connect()  # the port is free again, and the robot still answers
    assert robot.read().seq > 0


def test_a_second_driver_is_told_that_the_port_is_taken_or_hears_nothing(a1, make):
    second = make(patience=0.5, estop="")  # the box hears the first one
    with pytest.raises(RobotError, match=r"Is another driver running|no A1 answers"):
        second.connect()
    a1.read()  # the first one goes on
