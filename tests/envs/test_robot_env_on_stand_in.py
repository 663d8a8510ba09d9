"""The walking environment on simulated physics: the same contract, and posture seen as it is."""

import numpy as np
import pytest

from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from robots.sim.stand_in import StandIn
from tests.contracts.env_contract import EnvContract

pytest.importorskip("pybullet")


def walking_env(start: str) -> RobotEnv:
    robot = StandIn(start=start, seed=1)
    return RobotEnv(robot, WalkTask(robot.info))


class TestWalkingOnTheStandIn(EnvContract):
    def make_env(self) -> RobotEnv:
        return walking_env("back")


def test_on_its_back_it_earns_5():
    env = walking_env("back")
    obs = env.reset()
    assert obs["reward"] == pytest.approx(5.0, abs=0.2)
    assert obs["log/up"] == pytest.approx(obs["log/truth/up"], abs=0.05)
    env.close()


def test_the_standing_action_holds_a_standing_robot_near_9():
    env = walking_env("stand")
    env.reset()
    stand = {"action": np.tile([0.0, -0.1862, 0.6762], 4).astype(np.float32)}
    for _ in range(40):
        obs = env.step(stand)
    assert obs["log/standing"] == 1.0
    assert obs["log/truth/up"] > 0.98
    assert obs["log/reward/calf"] > 0.85
    assert abs(obs["log/forward_speed"] - obs["log/truth/forward_speed"]) < 0.1
    env.close()
