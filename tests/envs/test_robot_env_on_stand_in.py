"""The walking environment on simulated physics: the same contract, and posture seen as it is."""

import numpy as np
import pytest

from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from daydreamer.presets import build
from daydreamer.presets.registry import load
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


def test_pushed_over_it_is_put_back_on_its_feet():
    env = build.make_env(load("a1-sim-stand"))
    assert env.reset()["log/truth/up"] > 0.95
    # The standing pose is in the middle of the range that actions span, so that zero is it.
    still = {"action": np.zeros(12, np.float32)}
    for _ in range(10):
        assert not env.step(still)["is_last"]
    for _ in range(20):
        env.robot.push(np.array([0.0, 20.0, 0.0]))
        if (obs := env.step(still))["is_last"]:
            break
    assert obs["is_terminal"] and obs["log/up"] < np.cos(np.radians(30))
    again = env.reset()
    assert again["is_first"] and again["log/truth/up"] > 0.95 and again["log/standing"] == 1.0
    assert abs(again["log/truth/position"][:2]).max() < 0.05
    env.close()
