"""The scripted motions on the stand-in, guarded, as fast as the computer can."""

import numpy as np
import pytest

from robots.a1.stand import MOTIONS, ON_ITS_BACK, MotionStopped, Waypoint, damp, legs, play, up_z
from robots.fake import FakeRobot
from robots.safety.guard import SafetyGuard
from robots.sim.stand_in import StandIn

pytest.importorskip("pybullet")


def guarded(start: str, seed: int = 0) -> SafetyGuard:
    guard = SafetyGuard(StandIn(start=start, seed=seed))
    guard.connect()
    return guard


def test_every_pose_is_within_the_limits():
    info = FakeRobot().info
    for name, motion in MOTIONS.items():
        for point in motion:
            assert (point.pos >= info.joint_lower).all() and (point.pos <= info.joint_upper).all(), name


def test_legs_of_a_side_are_alike():
    pos = legs((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    np.testing.assert_array_equal(pos, [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])  # FR, FL, RR, RL


@pytest.mark.parametrize("seed", range(3))
def test_from_its_back_onto_its_belly_onto_its_feet_and_down_again(seed):
    with guarded("back", seed) as robot:
        assert up_z(robot.read()) < ON_ITS_BACK
        assert up_z(play(robot, MOTIONS["recover"], stopped=lambda: robot.stopped)) > 0.9
        state = play(robot, MOTIONS["stand"], stopped=lambda: robot.stopped)
        assert up_z(state) > 0.95
        assert robot.truth()["position"][2] > 0.22
        np.testing.assert_allclose(state.joint_pos, robot.info.stand_pos, atol=0.2)
        play(robot, MOTIONS["lie"], stopped=lambda: robot.stopped)
        state = damp(robot, seconds=0.5)
        assert robot.truth()["position"][2] < 0.15
        assert robot.stopped == ""


def test_a_motion_begins_where_the_joints_are_and_moves_slow_fast_slow():
    robot = FakeRobot()
    with robot:
        start = robot.read().joint_pos
        play(robot, (Waypoint(robot.info.stand_pos, 1.0),), hold=0.1)
        targets = np.array([command.pos for command in robot.commands])
    way = targets[:20] - start
    whole = robot.info.stand_pos - start
    np.testing.assert_allclose(way[9], 0.5 * whole)  # half of the time, half of the way
    np.testing.assert_allclose(way[4], 0.15625 * whole)  # (3 - 2/4) / 16
    np.testing.assert_allclose(targets[-1], robot.info.stand_pos)


def test_a_dry_run_commands_nothing():
    with FakeRobot() as robot:
        play(robot, MOTIONS["stand"], dry=True)
        damp(robot, dry=True)
        assert not robot.commands


def test_a_motion_ends_when_the_robot_no_longer_obeys():
    reasons = iter(["", "", "someone pressed stop"])
    with FakeRobot() as robot:
        with pytest.raises(MotionStopped, match="pressed stop"):
            play(robot, MOTIONS["stand"], stopped=lambda: next(reasons))
        assert len(robot.commands) == 2
