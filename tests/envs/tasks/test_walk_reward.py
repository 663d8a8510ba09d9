"""DayDreamer's reward, worked by hand."""

import numpy as np
import pytest

from daydreamer.envs.tasks.walk_reward import WalkRewardConfig, extremes, total, walk_reward, worst_deviation

CONFIG = WalkRewardConfig()
STAND = np.zeros(12)
STILL = np.zeros(3)


def deviation(hip: float = 0.0, thigh: float = 0.0, calf: float = 0.0) -> np.ndarray:
    """The same deviation in each leg, [12]."""
    return np.tile([hip, thigh, calf], 4)


def reward(up: float, off: np.ndarray, velocity) -> float:
    return total(walk_reward(up, off, np.asarray(velocity, float), CONFIG), CONFIG)


def test_on_the_back_5():
    # upright 0, every gate shut, 10 (0 + 1) / 2
    assert reward(-1.0, STAND, STILL) == 5.0


def test_on_the_side_5_and_a_half():
    assert reward(0.0, STAND, [0.5, 0.0, 0.0]) == 5.5


def test_standing_perfectly_still_9():
    assert reward(1.0, STAND, STILL) == 9.0


@pytest.mark.parametrize("speed", [0.3, 0.6, 2.0])
def test_walking_fast_enough_14(speed):
    assert reward(1.0, STAND, [speed, 0.0, 0.0]) == pytest.approx(14.0)


@pytest.mark.parametrize("scale", [10.0, 20.0])
def test_no_reward_is_beyond_the_extremes_which_are_on_the_back_and_walking(scale):
    config = WalkRewardConfig(velocity_scale=scale)
    on_its_back, walking = (
        walk_reward(-1.0, STAND, STILL, config),
        walk_reward(1.0, STAND, np.eye(3)[0], config),
    )
    assert extremes(config) == (total(on_its_back, config), total(walking, config))


def test_half_the_speed_earns_half_the_term():
    # 4 + 10 (0.15 / 0.3 + 1) / 2 = 4 + 7.5
    assert reward(1.0, STAND, [0.15, 0.0, 0.0]) == pytest.approx(11.5)


def test_walking_askew_earns_its_forward_share():
    # v = (0.3, 0.4, 0): straight = 0.3 / 0.5 = 0.6, speed reached: 4 + 10 (0.6 + 1) / 2 = 12
    assert reward(1.0, STAND, [0.3, 0.4, 0.0]) == pytest.approx(12.0)
    # Bouncing counts as much as drifting.
    assert reward(1.0, STAND, [0.3, 0.0, 0.4]) == pytest.approx(12.0)


@pytest.mark.parametrize("velocity", [[-0.5, 0.0, 0.0], [0.0, 0.5, 0.0]])
def test_backward_and_sideways_are_worth_as_much_as_standing_still(velocity):
    assert reward(1.0, STAND, velocity) == pytest.approx(9.0)


def test_each_term_is_its_mean_over_legs():
    one_leg = np.zeros(12)
    one_leg[2] = 0.8  # one calf of four: mean 0.2
    terms = walk_reward(1.0, one_leg, STILL, CONFIG)
    assert terms == pytest.approx({"upright": 1.0, "hip": 1.0, "thigh": 1.0, "calf": 0.8, "velocity": 0.0})


# The gates stand at 0.7: exactly there a gate is shut, the next number above opens it.
SHUT = 0.7
ABOVE = 1e-12  # a mean of four deviations rounds, so the open side is a hair further


def test_upright_opens_the_hip_term_above_the_gate_only():
    # upright = up / 2 + 1/2 = 0.7 at up = 0.4
    assert walk_reward(2 * (SHUT - 0.5), STAND, STILL, CONFIG)["hip"] == 0.0
    assert walk_reward(0.4 + ABOVE, STAND, STILL, CONFIG)["hip"] == 1.0


@pytest.mark.parametrize("joint, opened", [("hip", "thigh"), ("thigh", "calf"), ("calf", "velocity")])
def test_each_joint_group_opens_the_next_term_above_the_gate_only(joint, opened):
    # 1 - 0.3 is 0.7 in binary too: the gate is shut there.
    walking = np.array([0.3, 0.0, 0.0])
    assert 1.0 - 0.3 == 0.7
    at = walk_reward(1.0, deviation(**{joint: 0.3}), walking, CONFIG)
    above = walk_reward(1.0, deviation(**{joint: 0.3 - ABOVE}), walking, CONFIG)
    assert at[joint] == pytest.approx(0.7)
    assert at[opened] == 0.0
    assert above[opened] == 1.0


def test_a_shut_gate_shuts_all_that_follow():
    terms = walk_reward(1.0, deviation(hip=0.5), np.array([1.0, 0.0, 0.0]), CONFIG)
    assert terms == pytest.approx({"upright": 1.0, "hip": 0.5, "thigh": 0.0, "calf": 0.0, "velocity": 0.0})


# With a level of 0.4 to 0.95: up_z = 0.84 is 0.8 of the way, 0.675 half of it.
LEVEL = WalkRewardConfig(level=(0.4, 0.95))


def test_legs_and_speed_count_as_far_as_the_body_is_level():
    leaning = walk_reward(0.84, STAND, np.array([0.3, 0.0, 0.0]), LEVEL)
    assert leaning == pytest.approx({"upright": 0.92, "hip": 0.8, "thigh": 0.8, "calf": 0.8, "velocity": 0.8})
    # 0.92 + 3 x 0.8 + 10 (0.8 + 1) / 2
    assert total(leaning, LEVEL) == pytest.approx(12.32)
    for up in (0.95, 1.0):
        walking = np.array([0.3, 0.0, 0.0])
        assert walk_reward(up, STAND, walking, LEVEL) == walk_reward(up, STAND, walking, CONFIG)


def test_a_body_that_is_hardly_level_shuts_the_gates_behind_the_hip():
    terms = walk_reward(0.675, STAND, np.array([0.3, 0.0, 0.0]), LEVEL)
    assert terms == pytest.approx({"upright": 0.8375, "hip": 0.5, "thigh": 0.0, "calf": 0.0, "velocity": 0.0})


def test_pushing_along_on_the_nose_pays_less_than_standing():
    # A pose that was learnt: 0.9175 + 0.78 + 0.76 + 0.79 + 10 without the level. With it the hip earns 43/55 of 0.78,
    # which shuts the next gate: 0.9175 + 0.617 + 5.
    pose, pushing = deviation(hip=0.22, thigh=0.24, calf=0.21), np.array([0.5, 0.0, 0.0])
    assert total(walk_reward(0.835, pose, pushing, CONFIG), CONFIG) == pytest.approx(13.25, abs=0.005)
    assert total(walk_reward(0.835, pose, pushing, LEVEL), LEVEL) == pytest.approx(6.53, abs=0.005)


# With a height of 0.12 to 0.18 m: 0.165 m is three quarters of the way.
RAISED = WalkRewardConfig(height=(0.12, 0.18))


def test_calves_and_speed_count_as_far_as_the_trunk_is_raised():
    walking = np.array([0.3, 0.0, 0.0])
    low = walk_reward(1.0, STAND, walking, RAISED, height=0.165)
    assert low == pytest.approx({"upright": 1.0, "hip": 1.0, "thigh": 1.0, "calf": 0.75, "velocity": 0.75})
    assert walk_reward(1.0, STAND, walking, RAISED, height=0.18) == walk_reward(1.0, STAND, walking, CONFIG)


def test_crawling_on_the_belly_pays_less_than_standing():
    # A pose that was learnt: the trunk at 0.12 m, legs turned back, an estimate of 0.5 m/s: 12.9 without the height.
    pose, crawling = deviation(hip=0.1, thigh=0.25, calf=0.25), np.array([0.5, 0.0, 0.0])
    assert total(walk_reward(0.95, pose, crawling, CONFIG, 0.12), CONFIG) > 13.0
    assert total(walk_reward(0.95, pose, crawling, RAISED, 0.12), RAISED) < 8.0 < reward(1.0, STAND, STILL)


def test_worst_deviation_is_to_the_further_limit():
    # A1: hip 0.802 either way; thigh max(0.9 + 1.05, 4.19 - 0.9) = 3.29; calf max(0.9, 0.884) = 0.9
    worst = worst_deviation(
        np.array([0.0, 0.9, -1.8]), np.array([-0.802, -1.05, -2.70]), np.array([0.802, 4.19, -0.916])
    )
    np.testing.assert_allclose(worst, [0.802, 3.29, 0.9])


@pytest.mark.parametrize(
    "bad",
    [
        {"gate": 1.0},
        {"speed": 0.0},
        {"velocity_scale": -1.0},
        {"level": (0.9, 0.9)},
        {"level": (0.4, 1.1)},
        {"height": (0.2, 0.2)},
    ],
)
def test_constants_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        WalkRewardConfig(**bad)
