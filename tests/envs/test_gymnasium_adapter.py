import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")
from gymnasium.utils.env_checker import check_env  # noqa: E402

from daydreamer.core.errors import SpecMismatch  # noqa: E402
from daydreamer.envs.gymnasium_adapter import GymnasiumEnv  # noqa: E402
from daydreamer.envs.robot_env import RobotEnv  # noqa: E402
from daydreamer.envs.tasks.walk import WalkTask  # noqa: E402
from robots.fake import FakeRobot  # noqa: E402


@pytest.fixture
def robot():
    return FakeRobot()


@pytest.fixture
def env(robot):
    env = GymnasiumEnv(RobotEnv(robot, WalkTask(robot.info)))
    yield env
    env.close()


def test_gymnasiums_own_checker_passes_and_remarks_on_open_bounds_only(env):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env)
    # Angles and speeds have no hard bounds, and say so.
    other = [str(w.message) for w in caught if "infinity" not in str(w.message)]
    assert other == []


def test_spaces_hold_what_an_agent_may_sense(env):
    assert set(env.observation_space) == {"joint_pos", "joint_vel", "gravity", "gyro", "target"}
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (12,), np.float32)


def test_logs_come_in_info(env):
    _, info = env.reset(seed=3)
    assert info["up"] == 1.0
    assert isinstance(info["up"], float)
    assert info["reward/upright"] == 1.0
    assert info["truth/position"].shape == (3,)


def test_a_robot_that_falls_silent_truncates_and_does_not_terminate(env, robot):
    env.reset()
    action = np.zeros(12, np.float32)
    assert env.step(action)[2:4] == (False, False)
    robot.silent = True
    _, reward, terminated, truncated, _ = env.step(action)
    assert (terminated, truncated) == (False, True)
    assert isinstance(reward, float)


def test_the_tasks_own_end_terminates_and_does_not_truncate(robot):
    class Ending(WalkTask):
        def judge(self, state, estimate):
            judged = super().judge(state, estimate)
            return type(judged)(judged.reward, terminal=state.time > 0.0, log=judged.log)

    env = GymnasiumEnv(RobotEnv(robot, Ending(robot.info)))
    env.reset()
    assert env.step(np.zeros(12, np.float32))[2:4] == (True, False)


def test_two_action_arrays_are_one_too_many(robot):
    class TwoHanded(WalkTask):
        @property
        def act_spec(self):
            return {**super().act_spec, "grip": super().act_spec["action"]}

    with pytest.raises(SpecMismatch, match="grip"):
        GymnasiumEnv(RobotEnv(robot, TwoHanded(robot.info)))
