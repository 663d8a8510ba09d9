"""Every limit of a command at its boundary: on it nothing changes, beyond it the boundary is sent."""

from dataclasses import fields, replace

import numpy as np
import pytest

from robots.a1 import model
from robots.robot import CommandError, JointCommand
from robots.safety import limits

INFO = model.info(simulated=True)
FIELDS = [field.name for field in fields(JointCommand)]
BOUNDS = {
    "pos": (INFO.joint_lower, INFO.joint_upper),
    "vel": (-INFO.max_velocity, INFO.max_velocity),
    "torque": (-INFO.max_torque, INFO.max_torque),
    "kp": (np.zeros(12), np.full(12, 200.0)),
    "kd": (np.zeros(12), np.full(12, 20.0)),
}


def standing(**changes) -> JointCommand:
    return replace(JointCommand.hold(INFO.stand_pos, INFO), **changes)


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("side", [0, 1], ids=["lower", "upper"])
class TestClampBoundaries:
    def test_on_the_limit_it_stays(self, name, side):
        limit = BOUNDS[name][side]
        np.testing.assert_array_equal(getattr(limits.clamp(INFO, standing(**{name: limit})), name), limit)

    def test_just_inside_it_stays(self, name, side):
        lower, upper = BOUNDS[name]
        inside = np.nextafter(BOUNDS[name][side], 0.5 * (lower + upper))
        np.testing.assert_array_equal(getattr(limits.clamp(INFO, standing(**{name: inside})), name), inside)

    @pytest.mark.parametrize("beyond", [0.0, 1e-9, 1.0, 1e30])
    def test_beyond_it_the_limit_is_sent(self, name, side, beyond):
        limit = BOUNDS[name][side]
        outwards = np.inf if side else -np.inf
        asked = np.nextafter(limit, outwards) + np.copysign(beyond, outwards)
        np.testing.assert_array_equal(getattr(limits.clamp(INFO, standing(**{name: asked})), name), limit)

    def test_one_joint_beyond_leaves_the_others_alone(self, name, side):
        command = standing()
        changed = getattr(command, name).copy()
        changed[7] = 1e6 if side else -1e6
        sent = getattr(limits.clamp(INFO, replace(command, **{name: changed})), name)
        assert sent[7] == BOUNDS[name][side][7]
        np.testing.assert_array_equal(np.delete(sent, 7), np.delete(getattr(command, name), 7))


def test_the_a1s_limits_are_its_own():
    leg = limits.clamp(
        INFO, standing(pos=np.full(12, 99.0), torque=np.full(12, -99.0), vel=np.full(12, 99.0))
    )
    np.testing.assert_array_equal(leg.pos[:3], [0.802, 4.19, -0.916])
    np.testing.assert_array_equal(leg.torque, -33.5)
    np.testing.assert_array_equal(leg.vel, 21.0)


def test_clamp_is_pure():
    command = standing(pos=np.full(12, 99.0))
    sent = limits.clamp(INFO, command)
    np.testing.assert_array_equal(command.pos, 99.0)
    for name in FIELDS:
        assert not np.shares_memory(getattr(sent, name), getattr(command, name))
        assert getattr(sent, name).dtype == np.float64


def test_clamping_twice_is_clamping_once():
    once = limits.clamp(INFO, standing(pos=np.linspace(-9, 9, 12), kp=np.linspace(-9, 999, 12)))
    twice = limits.clamp(INFO, once)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(twice, name), getattr(once, name))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_check_takes_real_numbers(dtype):
    limits.check(INFO, standing(pos=np.zeros(12, dtype)))


@pytest.mark.parametrize("name", FIELDS)
class TestCheckRefuses:
    @pytest.mark.parametrize("shape", [(11,), (13,), (0,), (), (1, 12), (12, 1)])
    def test_a_wrong_shape(self, name, shape):
        with pytest.raises(
            CommandError, match=rf"command\.{name}.*\(12,\).*{np.zeros(shape).shape}".replace("()", r"\(\)")
        ):
            limits.check(INFO, standing(**{name: np.zeros(shape)}))

    @pytest.mark.parametrize("value", [None, 0.0, [0.0] * 12])
    def test_what_is_no_array(self, name, value):
        with pytest.raises(CommandError, match=f"command.{name}.*got {type(value).__name__}"):
            limits.check(INFO, standing(**{name: value}))

    @pytest.mark.parametrize("dtype", [bool, complex, object, "U3"])
    def test_what_is_no_real_number(self, name, dtype):
        with pytest.raises(CommandError, match=f"command.{name}.*dtype"):
            limits.check(INFO, standing(**{name: np.zeros(12, dtype)}))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("joint", [0, 5, 11])
    def test_a_number_that_is_not_finite_and_says_which_joint(self, name, value, joint):
        spoilt = np.zeros(12)
        spoilt[joint] = value
        with pytest.raises(CommandError, match=f"command.{name}.*{value}.*{INFO.joint_names[joint]}"):
            limits.check(INFO, standing(**{name: spoilt}))
