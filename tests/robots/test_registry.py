"""Robots by name."""

import pytest

from robots import registry
from robots.fake import FakeRobot
from robots.robot import RobotError
from robots.sim.noise import NoiseConfig


def test_options_reach_the_constructor():
    robot = registry.make("fake", start=[0.0, 0.5, -1.5] * 4)
    assert isinstance(robot, FakeRobot)
    with robot:
        assert robot.read().joint_pos[1] == 0.5


def test_an_unknown_name_lists_what_there_is_and_suggests():
    with pytest.raises(RobotError, match=r"'a1-smi'.*a1-sim, fake.*Did you mean 'a1-sim'"):
        registry.make("a1-smi")


def test_a_name_like_no_other_gets_no_suggestion():
    with pytest.raises(RobotError) as caught:
        registry.make("zzzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"frictoin": 0.3}, "no option 'frictoin'.*Did you mean 'friction'"),
        ({"weak_scale": "half"}, "cannot be made with.*'weak_scale': 'half'"),
        ({"push_every": 5}, r"push_every is a pair"),
        ({"start_jitter": -1.0}, r"start_jitter is rad"),
        ({"noise": {"gyros": 0.1}}, r"standard deviations of joint_pos.*got \{'gyros'"),
        ({"noise": {"gyro": -0.1}}, r"noise gyro is a standard deviation"),
        ({"distortion": 3}, r"values by name"),
    ],
)
def test_an_option_that_cannot_be_is_told_with_its_name(options, says):
    with pytest.raises(RobotError, match=says):
        registry.make("a1-sim", **options)


def test_noise_is_set_by_plain_data_and_what_is_not_said_stays_as_it_is():
    assert NoiseConfig.of({"gyro": 0.5}) == NoiseConfig(gyro=0.5)


def test_a_missing_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(registry.ROBOTS, "ghost", ("robots.no_such_driver", "Ghost", "ghosts"))
    with pytest.raises(RobotError, match=r"robots\.no_such_driver.*pip install '\.\[ghosts\]'"):
        registry.make("ghost")


def test_a_fault_of_our_own_is_not_dressed_up(monkeypatch):
    monkeypatch.setitem(registry.ROBOTS, "ghost", ("robots.no_such_driver", "Ghost", ""))
    with pytest.raises(ModuleNotFoundError):
        registry.make("ghost")


@pytest.mark.parametrize("name", sorted(registry.ROBOTS))
def test_every_robot_can_be_named_without_connecting(name):
    assert registry.make(name).info.name == name
