"""Quality of motion, from made-up motions whose numbers are worked by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from daydreamer.runtime.motion import MotionRecorder, MotionScore, asymmetry, mean_motion
from robots.a1 import model
from robots.sim.motion import Motion

INFO = model.info(simulated=True)
STAND = INFO.stand_pos


class Told:
    """A robot that says what it is given, one motion a call."""

    def __init__(self, *motions):
        self.info, self._motions = INFO, list(motions)

    def motion(self):
        return self._motions.pop(0)


def motion(pos=STAND, vel=0.0, torque=0.0, contact=False, slip=0.0, steps=10):
    full = [np.broadcast_to(np.asarray(x, float), (steps, 12)) for x in (pos, vel, torque)]
    return Motion(0.002, 10.0, *full, np.full(4, contact), np.full(4, float(slip)))


def score(motions, actions=None, speed=0.5, last=100):
    recorder = MotionRecorder.of(SimpleNamespace(robot=Told(*motions)))
    for number, _ in enumerate(motions):
        recorder.see({"action": np.full(12, actions[number] if actions else 0.0)})
    return recorder.score(np.full(len(motions), speed), last)


def test_a_robot_that_does_not_tell_is_not_scored():
    assert MotionRecorder.of(SimpleNamespace(robot=object())) is None
    assert MotionRecorder.of(SimpleNamespace()) is None


def test_energy_is_what_motors_put_in_and_nothing_is_had_back():
    # 12 motors x 2 N m x 3 rad/s = 72 W, then braking for as long: 36 W on average; at 0.5 m/s 72 J/m;
    # over 10 kg x 9.81 m/s^2 = 98.1 N
    found = score([motion(vel=3.0, torque=2.0), motion(vel=3.0, torque=-2.0)])
    assert found.power == pytest.approx(36.0)
    assert found.energy_per_metre == pytest.approx(72.0)
    assert found.cost_of_transport == pytest.approx(72.0 / 98.1)


def test_one_that_does_not_move_has_no_energy_per_metre():
    assert score([motion(vel=3.0, torque=2.0)], speed=0.01).energy_per_metre is None


def test_torque_is_judged_over_every_motor_and_step():
    hard = motion(torque=np.r_[np.zeros(11), -30.0])
    found = score([hard] + [motion(torque=5.0)] * 9)
    assert found.torque_peak == 30.0
    assert found.torque_p99 == 5.0  # 30 N m in 1 of 120 readings, less than one in a hundred


def test_the_action_rate_is_the_size_of_its_steps():
    # changes 0.3 and -0.1: sqrt((0.09 + 0.01) / 2)
    assert score([motion()] * 3, actions=[0.0, 0.3, 0.2]).action_rate == pytest.approx(np.sqrt(0.05))


def test_a_joint_run_into_its_limit_is_seen():
    pos, vel = STAND.copy(), np.zeros(12)
    pos[2], vel[2] = INFO.joint_lower[2] + 0.01, -4.0  # range 1.784 rad: 2 % are 0.036
    vel[5] = -9.0  # fast, but far from a limit
    found = score([motion(pos, vel), motion()])
    assert found.at_limit == pytest.approx(1 / 24) and found.limit_speed == 4.0
    vel[2] = 4.0  # away from it
    assert score([motion(pos, vel)]).limit_speed == 0.0


def test_coming_to_a_limit_fast_is_a_blow_and_staying_there_is_none():
    at, fast, slow = STAND.copy(), np.zeros(12), np.zeros(12)
    at[2], fast[2], slow[2] = INFO.joint_lower[2] + 0.01, -4.0, -1.9
    into, away, gently = motion(at, fast), motion(), motion(at, slow)
    assert score([away, into, into]).slams == 1
    assert score([into, away, into, away, gently]).slams == 2
    assert score([away, gently, into]).slams == 0, "it was there before it was fast"


def test_slip_counts_feet_that_bear_weight_in_the_last_steps():
    motions = [motion(contact=True, slip=9.0), motion(contact=True, slip=0.2), motion(slip=5.0)]
    assert score(motions, last=2).foot_slip == pytest.approx(0.2)
    assert score([motion(slip=5.0)]).foot_slip == 0.0


def test_a_mirrored_pose_is_symmetric_and_a_lame_leg_is_not():
    pos = np.tile(STAND, (10, 1))
    pos[:, [0, 6]], pos[:, [3, 9]] = -0.2, 0.2  # right hips out, left hips out
    assert asymmetry(pos, INFO.joint_names) == pytest.approx(0.0)
    pos[:, 1] += 0.6  # one of six pairs
    assert asymmetry(pos, INFO.joint_names) == pytest.approx(0.1)


def test_legs_half_a_stride_apart_are_symmetric():
    phase = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    pos = np.tile(STAND, (100, 1))
    pos[:, 1] += 0.3 * np.sin(phase)
    pos[:, 4] -= 0.3 * np.sin(phase)
    assert asymmetry(pos, INFO.joint_names) == pytest.approx(0.0, abs=1e-9)


def test_a_leg_that_swings_beside_a_still_one_is_lame_although_their_mean_poses_agree():
    # The deviation of 0.3 sin over whole periods is 0.3 / sqrt 2 = 0.2121; the mean is that of the still leg: one of
    # six pairs, 0.0354.
    pos = np.tile(STAND, (100, 1))
    pos[:, 1] += 0.3 * np.sin(np.linspace(0, 2 * np.pi, 100, endpoint=False))
    assert asymmetry(pos, INFO.joint_names) == pytest.approx(0.3 / np.sqrt(2) / 6)


def test_rollouts_are_averaged_but_peaks_are_the_worst():
    one = MotionScore(0.1, 10.0, 20.0, 0.0, 1.0, 0, 0.1, 0.0, 50.0, 100.0, 1.0)
    two = MotionScore(0.3, 20.0, 33.5, 0.2, 5.0, 3, 0.1, 0.0, 50.0, None, None)
    found = mean_motion([one, two])
    assert found["action_rate"] == pytest.approx(0.2) and found["torque_p99"] == 15.0
    assert found["torque_peak"] == 33.5 and found["limit_speed"] == 5.0
    assert found["slams"] == 1.5
    assert found["energy_per_metre"] == 100.0
    assert mean_motion([two])["cost_of_transport"] is None
