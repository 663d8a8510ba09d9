"""The A1's figures hang together."""

import numpy as np

from robots.a1 import model


def test_names_and_order():
    info = model.info(simulated=False)
    assert info.name == "a1"
    assert model.info(simulated=True).name == "a1-sim"
    assert info.joint_names[:4] == ("FR_hip", "FR_thigh", "FR_calf", "FL_hip")
    assert info.foot_names == ("FR", "FL", "RR", "RL")
    assert (info.joints, info.feet) == (12, 4)


def test_every_array_has_one_number_a_joint_and_is_its_own():
    info, other = model.info(True), model.info(True)
    for name in (
        "joint_lower",
        "joint_upper",
        "max_torque",
        "max_velocity",
        "stand_pos",
        "default_kp",
        "default_kd",
    ):
        value = getattr(info, name)
        assert value.shape == (12,), name
        assert value.dtype == np.float64, name
        assert not np.shares_memory(value, getattr(other, name)), name


def test_the_stand_is_within_the_limits():
    info = model.info(True)
    assert (info.joint_lower < info.stand_pos).all()
    assert (info.stand_pos < info.joint_upper).all()


def test_sides_agree_with_the_hips():
    np.testing.assert_array_equal(np.sign(model.HIP_POSITION[:, 1]), model.SIDE)
