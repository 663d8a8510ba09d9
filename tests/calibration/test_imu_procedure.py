"""The arithmetic of the IMU's calibration, and the whole of it on a stand-in whose IMU lies."""

import math

import numpy as np
import pytest

from calibration import imu
from calibration.rigs import SimRig
from calibration.session import CalibrationStopped, Session
from calibration.truth import draw, errors
from robots.a1 import kinematics, model
from robots.a1.estimator import GRAVITY
from robots.calibrated import mounting

SIX = GRAVITY * np.vstack([np.eye(3), -np.eye(3)])


def test_bias_and_scale_are_found_from_six_poses_that_nobody_knows():
    turned = SIX @ mounting(0.3, -0.2).T  # no pose is exact
    bias, scale = np.array([0.2, -0.3, 0.1]), np.array([1.02, 0.97, 1.01])
    found_bias, found_scale, unsure = imu.weigh(turned * scale + bias)
    np.testing.assert_allclose(found_bias, bias, atol=1e-9)
    np.testing.assert_allclose(found_scale, 1 / scale, atol=1e-9)
    # Each axis both ways up: half the difference of two lengths is its bias, 0.05 / sqrt(2).
    assert unsure == pytest.approx(0.05 / math.sqrt(2), rel=0.1) and unsure < imu.UNSURE_BOUND


@pytest.mark.parametrize("missing", range(6))
@pytest.mark.parametrize("tilt", [0.0, 0.1])
def test_an_axis_that_was_not_turned_both_ways_up_does_not_pass(missing, tilt):
    readings = SIX @ mounting(tilt, -tilt).T + np.array([0.2, -0.3, 0.1])
    readings[missing] = readings[(missing + 3) % 6] @ mounting(tilt / 5, 0.0)  # the opposite pose, once more
    *_, unsure = imu.weigh(readings)
    assert unsure > imu.UNSURE_BOUND


def test_the_mounting_is_found_from_directions():
    body = np.array([[math.sin(a), math.sin(b), math.cos(a) * math.cos(b)] for a, b in imu.LEANS])
    body /= np.linalg.norm(body, axis=1, keepdims=True)
    sensor = body @ mounting(0.05, -0.08)  # the inverse, from the body's frame to the sensor's
    assert imu.mount(sensor, body) == pytest.approx((0.05, -0.08), abs=1e-9)


def test_up_is_the_mean_of_orientations():
    half = 0.1
    left, right = [math.sin(half), 0, 0, math.cos(half)], [-math.sin(half), 0, 0, math.cos(half)]
    np.testing.assert_allclose(imu.up(np.array([left, right])), [0, 0, 1], atol=1e-12)


def test_the_allan_deviation_of_white_noise_falls_with_the_root_of_time():
    rate = np.random.default_rng(0).normal(0, 0.02, (20_000, 1))
    tau, deviation = imu.allan(rate, 0.002)
    assert deviation[0, 0] == pytest.approx(0.02, rel=0.05)
    at = int(np.argmin(np.abs(tau - 0.2)))  # 100 readings: a tenth
    assert deviation[at, 0] * math.sqrt(tau[at] / 0.002) == pytest.approx(0.02, rel=0.2)


def test_an_imu_that_lies_is_found_out_on_the_stand_in():
    wrong = draw(1, delays=False)
    session = Session(SimRig(distortion=wrong, seed=1))
    session.offset = np.array(wrong["joint_offset"])
    with session.ending_damped():
        result = imu.measure(session, still_seconds=3.0)
    assert result.passed, result.checks
    assert "accelerometer's bias may be off by" in [check.name for check in result.checks]
    for error in errors(result.values, wrong):
        assert error.within, error


def standing_and_leaning():
    """Angles [L, 12] as they are commanded, as in ``imu.leans``."""
    feet = kinematics.foot_positions(np.tile(model.LEG_STAND, 4))
    return np.array([kinematics.inverse(feet @ mounting(*lean)) for lean in imu.LEANS])


@pytest.mark.parametrize(
    ("order", "legs"),
    [
        *((order, legs) for legs, order in imu.SWAPS.items()),
        ((0, 1, 3, 2), "FR and FL, or RR and RL,"),
        ((0, 3, 2, 1), "FR and RR, or FL and RL,"),
    ],
)
def test_swapped_legs_are_named(order, legs):
    angles = standing_and_leaning()
    real = angles.reshape(-1, 4, 3)[:, order].reshape(angles.shape)  # what the legs really do
    felt = imu.ups(real) @ mounting(0.02, -0.03)
    assert imu.swapped(angles, felt) == legs


def test_legs_that_are_where_they_belong_are_not_called_swapped():
    angles = standing_and_leaning()
    felt = imu.ups(angles + np.random.default_rng(0).normal(0, 0.002, angles.shape)) @ mounting(0.02, -0.03)
    assert imu.swapped(angles, felt) == ""


def test_the_mounting_is_not_guessed_without_joint_offsets():
    with pytest.raises(CalibrationStopped, match="measure `joints` first"):
        imu.measure(Session(SimRig()))
