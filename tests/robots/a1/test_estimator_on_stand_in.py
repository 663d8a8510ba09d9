"""The base estimator on the simulated A1, with its noise, slip and impacts, against the simulator's truth."""

import numpy as np
import pytest

pytest.importorskip("pybullet")

from robots.a1 import kinematics
from robots.a1.estimator import BaseEstimator
from robots.robot import JointCommand
from robots.sim.stand_in import StandIn

HZ = 20.0
TROT = (0.0, 0.5, 0.5, 0.0)  # phase of each leg


def trot_pose(info, time, speed=0.5, cadence=1.6, lift=0.06):
    """Joint angles [12] of a plain trot at ``time``: half of a cycle on the ground, half in the air."""
    feet = kinematics.foot_positions(info.stand_pos)
    reach = speed / cadence / 4  # m before and behind the hip
    for leg, offset in enumerate(TROT):
        phase = (cadence * time + offset) % 1.0
        if phase < 0.5:
            feet[leg, 0] += reach * (1 - 4 * phase)
        else:
            swing = 2 * phase - 1
            feet[leg] += [reach * (2 * swing - 1), 0.0, lift * np.sin(np.pi * swing)]
    return kinematics.inverse(feet)


def follow(robot, pose, seconds, before_step=lambda robot, step: None):
    """Run ``pose(time)``; return estimated and true velocities in the world [steps, 3], the first second left out."""
    estimator = BaseEstimator(robot.info)
    estimated, true = [], []
    start = robot.clock.now()
    for step in range(int(seconds * HZ)):
        estimated.append(estimator.update(robot.read()).velocity_world)
        true.append(robot.truth()["velocity"])
        before_step(robot, step)
        robot.write(JointCommand.hold(pose(step / HZ), robot.info))
        robot.clock.sleep_until(start + (step + 1) / HZ)
    assert estimator.skipped == 0
    return np.array(estimated)[int(HZ) :], np.array(true)[int(HZ) :]


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


def test_a_trot_is_followed():
    with StandIn(start="stand", seed=0) as robot:
        estimated, true = follow(robot, lambda time: trot_pose(robot.info, time), seconds=6.0)
    off = estimated - true
    assert root_mean_square(true[:, :2]) > 0.15, "it does trot"
    assert root_mean_square(off) < 0.06
    assert np.abs(off.mean(0)).max() < 0.04


def test_a_push_is_felt():
    def push(robot, step):
        if step % 20 == 5:
            robot.push(np.array([0.0, 8.0, 0.0]) * (-1) ** (step // 20))

    with StandIn(start="stand", seed=0) as robot:
        estimated, true = follow(robot, lambda time: robot.info.stand_pos, seconds=4.0, before_step=push)
    assert np.abs(true[:, 1]).max() > 0.15, "it is moved"
    assert root_mean_square(estimated - true) < 0.08


def test_lying_on_the_back_with_thrashing_legs_goes_nowhere():
    with StandIn(start="back", seed=0) as robot:
        swing = np.tile([0.2, 0.8, 0.4], 4)
        estimated, true = follow(
            robot, lambda time: robot.info.stand_pos + swing * np.sin(2 * np.pi * time), seconds=5.0
        )
    assert root_mean_square(estimated - true) < 0.05
    assert np.abs(estimated.mean(0)).max() < 0.1
