"""Joints, motors and latency on a hanging stand-in, one injection each; and their arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from calibration import feet, joints, latency, motors
from calibration.leg_weight import holding_torque
from calibration.rigs import EmulatedRig, SimRig
from calibration.session import Log, Session
from calibration.truth import draw, errors
from robots.calibration import check_values
from robots.calibration_parts import Feet
from robots.robot import RobotError


def measured(procedure, seed=2, **more):
    wrong = {**draw(seed), **more}
    session = Session(SimRig(distortion=wrong, seed=seed))
    session.offset = np.array(wrong["joint_offset"])
    with session.ending_damped():
        result = procedure(session)
    return result, wrong


def check(result, wrong):
    assert result.passed, result.checks
    for error in errors(result.values, wrong):
        assert error.within, error


def test_joint_offsets_are_found_at_the_stops():
    check(*measured(joints.offsets, sensor_delay=0.0))


def swing(speed, factor, coulomb, viscous, inertia=0.05):
    """A calf going to and fro like a sine, and the torque that it takes."""
    time = np.arange(0, 6.0, 0.01)
    pos = np.tile(motors.MIDDLE, (len(time), 4))
    vel = np.zeros_like(pos)
    pos[:, 2] += 0.5 * np.sin(2 * speed * time)
    vel[:, 2] = speed * np.cos(2 * speed * time)
    acceleration = -2 * speed**2 * np.sin(2 * speed * time)
    true = (
        holding_torque(pos)[:, 2]
        + coulomb * np.sign(vel[:, 2])
        + viscous * vel[:, 2]
        + inertia * acceleration
    )
    torque = np.zeros_like(pos)
    torque[:, 2] = factor * true
    none = np.zeros_like(pos)
    return Log(
        time, time, pos, vel, torque, none[:, :4], none[:, :3], none[:, :3], none[:, :4], none, time, none
    )


def test_friction_and_torque_constant_are_told_apart():
    logs = [swing(0.7, 1.1, 0.8, 0.2), swing(3.0, 1.1, 0.8, 0.2)]
    found, left = motors.identify(logs, np.zeros(12), joint=2)
    # What is read is 1.1 of what there is, friction too.
    np.testing.assert_allclose(found, [1.1, 1.1 * 0.8, 1.1 * 0.2], rtol=0.02)
    assert left < 0.02


def test_with_a_stop_box_asked_for_and_absent_no_motor_starts():
    rig = EmulatedRig(estop="/dev/no-such-box")
    with pytest.raises(RobotError, match="/dev/no-such-box"):
        Session(rig).place("hang")
    rig.close()


def test_latency_is_found_by_jolts():
    result, wrong = measured(latency.measure, command_delay=0.012, sensor_delay=0.006)
    check(result, wrong)
    assert result.values.jitter_s < 0.001, "the stand-in has none"


def test_the_zero_of_the_feet_is_found():
    result, wrong = measured(feet.measure, sensor_delay=0.0)
    check(result, wrong)
    assert all(off < on for on, off in zip(result.values.contact_on, result.values.contact_off, strict=True))


def test_a_hanging_calf_pulls_by_its_weight():
    """Straight down but for a horizontal calf: 0.166 kg at 0.107388 m and 0.06 kg at 0.2 m, 9.81 m/s^2."""
    pose = np.tile([0.0, np.pi / 2 - np.pi / 4, -np.pi / 4], 4)
    pose[1::3], pose[2::3] = np.pi / 2, 0.0  # thigh and calf both straight back
    expected = 9.81 * (0.166 * 0.107388 + 0.06 * 0.2)
    assert np.abs(holding_torque(pose)[2]) == pytest.approx(expected, rel=0.01)


def log_of(delay, period=0.002, seconds=3.0, jitter=0.0):
    """What a motor that answers ``delay`` s late reads, without physics; now and then by ``jitter`` s more or less."""
    time = np.arange(0, seconds, period)
    at = motors.jolts(12, seconds)
    asked = np.array([at(t) for t in time])
    read_at = time + period
    late = delay + jitter * np.random.default_rng(0).choice((-1.0, 0.0, 1.0), size=1 + int(seconds / 0.05))
    torque = np.array([at(t - late[int(t / 0.05)]) for t in read_at])
    none = np.zeros((len(time), 12))
    return Log(read_at, read_at, none, none, torque, np.tile([0, 0, 0, 1.0], (len(time), 1)), none[:, :3], none[:, :3],
               none[:, :4], none, time, asked)  # fmt: skip


@pytest.mark.parametrize("delay", [0.004, 0.013, 0.0401])
def test_a_delay_is_found_to_a_fraction_of_a_period(delay):
    found = motors.delay_of(log_of(delay))
    assert found == pytest.approx(delay, abs=0.0011)  # half a period, as both sides are sampled


def test_jumps_that_come_at_any_time_do_not_pass_for_a_small_jitter():
    assert latency.result(log_of(0.03)).passed
    wild = latency.result(log_of(0.03, jitter=0.02))
    assert wild.values.jitter_s < 0.0065, "no more can be seen of it"
    assert "jumps not seen when they were due" in [check.name for check in wild.checks if not check.passed]


def test_gains_are_found_from_what_the_motor_makes_of_angles():
    rng = np.random.default_rng(0)
    log = log_of(0.004)
    # A joint that goes where the last jumps of torque push it, and noise in how it is read.
    pushed = sum(0.001 * motors.fed(log, 0.004 + lag) * np.exp(-lag / 0.02) for lag in motors.LAGS)
    pos, vel = pushed, np.gradient(pushed, 0.002, axis=0)
    kp, kd = np.full(12, 100.0), np.full(12, 2.0)
    torque = motors.fed(log, 0.004)
    torque[1:] += 0.9 * kp * (0.0 - pos[:-1]) - 1.2 * kd * vel[:-1]
    found_kp, found_kd = motors.gains(
        replace(
            log,
            joint_pos=pos + rng.normal(0, 5e-5, pos.shape),
            joint_vel=vel + rng.normal(0, 0.005, vel.shape),
            joint_torque=torque,
        ),
        kp,
        kd,
        np.zeros(12),
    )
    np.testing.assert_allclose(found_kp, 0.9, rtol=0.1)
    np.testing.assert_allclose(found_kd, 1.2, rtol=0.1)


def test_thresholds_leave_noise_alone_and_have_hysteresis():
    on, off = feet.thresholds(np.array([30.0, 30.0]), np.array([1.0, 0.1]))
    np.testing.assert_allclose(on, [6.0, 3.6])  # six sigma; 12 % of the load
    np.testing.assert_allclose(off, [3.5, 1.8])


def test_a_dead_foot_has_thresholds_that_a_file_can_hold():
    on, off = feet.thresholds(np.zeros(1), np.zeros(1))
    check_values("feet", Feet((0.0,) * 4, (0.0,) * 4, tuple(on) * 4, tuple(off) * 4, (0.0,) * 4))
