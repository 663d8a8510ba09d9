import numpy as np
import pytest

from robots.a1 import model, skeleton
from robots.a1.kinematics import foot_positions

POSES = np.random.default_rng(0).uniform(-1, 1, (5, 12))


def test_the_last_points_are_the_feet():
    np.testing.assert_allclose(skeleton.legs(POSES)[..., 3, :], foot_positions(POSES))


@pytest.mark.parametrize(("point", "length"), [(0, model.HIP_OFFSET), (1, 0.2), (2, 0.2)])
def test_links_have_their_lengths(point, length):
    legs = skeleton.legs(POSES)
    np.testing.assert_allclose(np.linalg.norm(legs[..., point + 1, :] - legs[..., point, :], axis=-1), length)


def test_a_straight_leg_hangs_down():
    # at zero: thigh joint 0.08505 outwards of the hip, knee 0.2 below it, foot 0.4 below it
    left = skeleton.legs(np.zeros(12))[1]
    np.testing.assert_allclose(
        left - left[0], [[0, 0, 0], [0, 0.08505, 0], [0, 0.08505, -0.2], [0, 0.08505, -0.4]]
    )


def test_a_figure_stands_on_the_floor():
    legs = np.array(skeleton.figure(POSES[0], np.eye(3)))
    assert legs.shape == (4, 4, 3)
    assert legs[..., 2].min() == 0


def test_gravity_tells_how_it_lies():
    np.testing.assert_allclose(
        skeleton.upright_from_gravity(np.array([0.0, 0.0, -1.0])), np.eye(3), atol=1e-12
    )
    back = skeleton.upright_from_gravity(np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(back @ [0, 0, 1], [0, 0, -1], atol=1e-12)
    nose_down = skeleton.upright_from_gravity(
        np.array([[1.0, 0.0, 0.0]])
    )  # no way is ahead: still a rotation
    np.testing.assert_allclose(nose_down @ nose_down.swapaxes(-1, -2), np.eye(3)[None], atol=1e-9)


def test_a_quarter_turn_to_the_left():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(
        skeleton.from_quaternion(np.array([0, 0, half, half])) @ [1, 0, 0], [0, 1, 0], atol=1e-12
    )


def test_only_an_a1_is_drawn():
    assert skeleton.is_known(model.JOINT_NAMES)
    assert not skeleton.is_known(("hip", "knee"))
