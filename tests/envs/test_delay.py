"""Delay made up for: predictions worked by hand, and what an agent gets to see."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.envs.delay import MEMORY, DelayConfig, foreseen, mirrored, under_way
from daydreamer.envs.symmetry import MIRROR
from daydreamer.presets import build
from daydreamer.presets.registry import load
from robots.a1.estimator import BaseEstimator
from robots.fake import FakeRobot


def env(*changes):
    return build.make_env(load("fake-tiny", changes))


def seen():
    robot = FakeRobot()
    robot.connect()
    state = robot.read()
    return state, BaseEstimator(robot.info).reset(state)


def test_a_joint_goes_on_and_slows_down():
    state, estimate = seen()
    later, _ = foreseen(replace(state, joint_vel=np.full(12, 2.0)), estimate, 0.1)
    # 0.1 s at 2 rad/s that die away within 0.1 s: 2 x 0.1 x (1 - 1/e) = 0.1264 rad, and 2/e = 0.7358 rad/s are left.
    assert MEMORY == 0.1
    np.testing.assert_allclose(later.joint_pos - state.joint_pos, 0.12642, atol=1e-5)
    np.testing.assert_allclose(later.joint_vel, 0.73576, atol=1e-5)


def test_down_turns_against_the_body():
    state, estimate = seen()
    # The nose goes down at 1 rad/s (about +y) for 0.1 s: down, seen from the body, comes 0.1 rad to the front.
    later = replace(state, gyro=np.array([0.0, 1.0, 0.0]))
    level = replace(estimate, gravity_body=np.array([0.0, 0.0, -1.0]))
    _, ahead = foreseen(later, level, 0.1)
    np.testing.assert_allclose(ahead.gravity_body, [np.sin(0.1), 0.0, -np.cos(0.1)], atol=1e-12)
    assert ahead.up_z == pytest.approx(np.cos(0.1))


def test_nothing_is_predicted_for_no_time_at_all():
    state, estimate = seen()
    later, ahead = foreseen(state, estimate, 0.0)
    np.testing.assert_array_equal(later.joint_pos, state.joint_pos)
    np.testing.assert_array_equal(ahead.gravity_body, estimate.gravity_body)


def test_an_action_is_on_its_way_until_it_can_be_seen():
    # 60 ms at 20 steps a second: two actions at most.
    assert [under_way(seconds, 20.0) for seconds in (0.0, 0.05, 0.06, 0.1)] == [1, 1, 2, 2]
    with closing(env("delay.mode=pending", "delay.seconds=0.06")) as delayed:
        assert delayed.obs_spec["pending"].shape == (24,)
        assert not delayed.reset()["pending"].any()
        for value in (0.1, 0.2, 0.3):
            obs = delayed.step({"action": np.full(12, value, np.float32)})
        np.testing.assert_allclose(obs["pending"], np.repeat([0.3, 0.2], 12), atol=1e-6)
        assert not delayed.reset()["pending"].any(), "nothing is on its way after a reset"


def test_pending_actions_have_a_mirror():
    twice = mirrored(MIRROR, 2)
    batch = {"pending": np.arange(24.0)[None], "action": np.arange(12.0)[None]}
    once = twice.mirror(batch)
    np.testing.assert_array_equal(once["pending"][0, :12], once["action"][0])
    np.testing.assert_array_equal(twice.mirror(once)["pending"], batch["pending"])


def test_off_means_that_nothing_is_different():
    with closing(env()) as plain, closing(env("delay.mode=ahead", "delay.seconds=0.0")) as ahead:
        assert plain.obs_spec == ahead.obs_spec
        one, other = plain.reset(), ahead.reset()
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_a_delay_that_nobody_measured_is_asked_for():
    with pytest.raises(DaydreamerError, match=r"--set delay.seconds"):
        env("delay.mode=ahead")
    with pytest.raises(ValueError, match="delay is 0 to"):
        DelayConfig(seconds=2.0)
