"""The numbers that a real A1's servo goes by, and why they are no larger: what they add up to at its motors."""

import numpy as np

from robots.a1 import model
from robots.a1.servo_config import ServoConfig
from robots.safety.config import SafetyConfig

INFO = model.info(simulated=False)
USUAL = ServoConfig()


def test_a_target_far_away_pulls_less_than_the_torque_at_which_a_motor_switches_off():
    assert USUAL.error_clip == 0.2  # rad
    np.testing.assert_allclose(INFO.default_kp, 100.0)  # N m/rad
    np.testing.assert_allclose(USUAL.error_clip * INFO.default_kp, 20.0)  # N m
    np.testing.assert_allclose(INFO.max_torque, 33.5)  # N m
    assert (USUAL.error_clip * INFO.default_kp < INFO.max_torque).all()


def test_a_joint_becomes_stiff_over_half_a_second():
    assert USUAL.gain_ramp == 0.5  # s
    assert USUAL.gain_ramp * USUAL.hz == 250, "ticks: 0.4 N m/rad more in each, up to 100"


def test_before_it_leaves_it_damps_for_half_a_second():
    assert USUAL.damp_time == 0.5  # s
    assert USUAL.damp_ticks == 250  # at 500 Hz


def test_a_driver_that_died_is_missed_for_ten_ticks():
    assert USUAL.orphan_hold == 0.02  # s
    assert USUAL.orphan_hold * USUAL.hz == 10
    assert USUAL.orphan_hold < 0.05, "s between two commands: none is due meanwhile"


def test_its_safety_checks_are_the_usual_ones():
    assert USUAL.safety == SafetyConfig()
