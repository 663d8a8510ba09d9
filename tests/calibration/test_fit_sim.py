"""Real to sim, on a stand-in whose motors, friction and latency are another robot's."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from calibration import excite, fit_sim
from calibration.hanging_legs import UNFITTED, HangingLegs, Ticks, part
from calibration.rigs import SimRig
from calibration.session import Session
from robots.calibration import CalibrationError
from robots.calibration_parts import Sim

WRONG = {
    "coulomb": [0.4, 0.7, 1.0] * 4,
    "viscous": [0.1, 0.15, 0.2] * 4,
    "torque_scale": [1.1, 0.9, 1.0] * 4,
    "command_delay": 0.012,
    "sensor_delay": 0.006,
}
# 4 ms of its own, and the two delays, which nobody can tell apart from outside.
TRUTH = Sim(0.022, 0.05, 1.0, tuple(WRONG["coulomb"]), tuple(WRONG["viscous"]), tuple(WRONG["torque_scale"]))


@pytest.fixture(scope="module")
def log():
    session = Session(SimRig(distortion=WRONG))
    with session.ending_damped():
        return excite.record(session, "blue", "now", seconds=4.0)


def test_the_true_parameters_predict_what_was_read(log):
    """To the sensors' noise, which is 0.002 rad, 0.05 rad/s and 0.1 N m: the model is the stand-in's own."""
    legs = HangingLegs(log, log.time[0] + 2.0)
    try:
        window = part(log, log.time[0] + excite.SETTLE, log.time[0] + 2.0)
        true = fit_sim.misfit(window, legs.run(TRUTH).at(window.time, TRUTH.latency_s))
        plain = fit_sim.misfit(window, legs.run(UNFITTED).at(window.time, UNFITTED.latency_s))
    finally:
        legs.close()
    assert true.angle < 0.004 and true.speed < 0.1 and true.torque < 0.3
    assert plain.angle > 2 * true.angle


@pytest.mark.timeout(900)  # seconds of one free core, and there may be none
def test_what_was_done_to_a_robot_is_fitted_and_predicts_seconds_that_were_not(log, monkeypatch):
    monkeypatch.setattr(fit_sim, "TURNS", 3)
    told = []
    found = fit_sim.fit(log, told.append)
    assert found.after.angle < 0.5 * found.before.angle
    assert found.sim.latency_s == pytest.approx(TRUTH.latency_s, abs=0.001)
    np.testing.assert_allclose(found.sim.torque_scale, TRUTH.torque_scale, rtol=0.15)
    np.testing.assert_allclose(found.sim.coulomb_n_m, TRUTH.coulomb_n_m, rtol=0.15)
    assert told == sorted(told)
    assert fit_sim.result(found).passed


def test_a_parameter_at_the_end_of_its_range_is_named_and_not_trusted():
    middle = 0.5 * (fit_sim.LOW + fit_sim.HIGH)
    assert fit_sim.stuck(middle) == ()
    free = middle.copy()
    free[:24] = free[37:] = 0.0  # no friction, no ramp, no latency
    assert fit_sim.stuck(np.maximum(free, fit_sim.LOW)) == ()
    ends = middle.copy()
    ends[24], ends[38], ends[13] = fit_sim.LOW[24], fit_sim.HIGH[38], fit_sim.HIGH[13]
    assert fit_sim.stuck(ends) == ("viscous friction of FR_thigh", "torque share of FR_hip", "latency")


def test_one_joint_that_is_off_does_not_hide_behind_eleven_that_are_not():
    off = np.zeros((10, 12))
    off[:, 4] = 0.06  # 0.017 over all twelve
    log = SimpleNamespace(
        joint_pos=-off, joint_vel=off, joint_torque=off, offset=np.zeros(12), time=np.arange(10.0)
    )
    still = Ticks(np.arange(10.0), np.zeros((10, 12)), np.zeros((10, 12)), np.zeros((10, 12))).at(
        log.time, 0.0
    )
    found = fit_sim.misfit(log, still)
    assert found.angle < fit_sim.ANGLE_BOUND and found.joints.argmax() == 4
    fit = fit_sim.Fit(TRUTH, found, found, 10.0, log, (still, still))
    failed = [check for check in fit_sim.result(fit).checks if not check.passed]
    assert [check.name for check in failed] == ["those of the worst joint"] and "FL_thigh" in failed[0].advice


def test_a_reading_between_two_ticks_is_between_what_they_say():
    angles = np.arange(4.0)[:, None] * np.ones(12)
    ticks = Ticks(0.002 * np.arange(1, 5), angles, angles, angles)
    # 7 ms less 2 ms of latency is 5 ms: halfway between the second tick (angle 1) and the third (angle 2).
    np.testing.assert_allclose(ticks.at(np.array([0.007]), 0.002).joint_pos, 1.5)


def test_a_log_that_is_too_short_is_refused(log):
    with pytest.raises(CalibrationError, match="too short"):
        fit_sim.fit(part(log, log.time[0], log.time[0] + 2.0))
