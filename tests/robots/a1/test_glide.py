"""Between two targets, and into the first one."""

import numpy as np
import pytest

from robots.a1 import model
from robots.a1.glide import Glide
from robots.robot import JointCommand
from robots.sim.motors import Motors

TICK = 0.005  # s, a tenth of the interval below


def command(pos, kp=100.0):
    one = np.ones(2)
    return JointCommand(pos * one, 0.0 * one, 0.0 * one, kp * one, 2.0 * one)


@pytest.fixture
def glide():
    return Glide(joints=2, tick=TICK, interval=0.05, gain_ramp=0.5, error_clip=10.0)


def test_it_is_idle_until_commanded_and_after_release(glide):
    assert glide.idle
    glide.take(command(1.0), np.zeros(2), 0.0)
    assert not glide.idle
    glide.release()
    assert glide.idle


def test_the_first_target_is_reached_from_the_measured_pose(glide):
    measured = np.array([0.2, 0.6])
    glide.take(command(1.0), measured, 10.0)
    np.testing.assert_allclose(glide.at(10.0, measured).pos, [0.28, 0.64])  # a tenth of the way
    np.testing.assert_allclose(
        glide.at(10.02, measured).pos, [0.6, 0.8]
    )  # by the end of this tick, half of it
    np.testing.assert_allclose(glide.at(10.045, measured).pos, 1.0)
    np.testing.assert_allclose(glide.at(11.0, measured).pos, 1.0)


def test_the_next_target_is_reached_from_where_the_target_is_not_from_where_the_joint_is(glide):
    glide.take(command(1.0), np.zeros(2), 0.0)
    np.testing.assert_allclose(glide.at(0.02, np.zeros(2)).pos, 0.5)
    glide.take(command(0.0), np.full(2, -0.3), 0.025)  # the target has come to 0.5
    np.testing.assert_allclose(glide.at(0.025, np.zeros(2)).pos, 0.45)
    np.testing.assert_allclose(glide.at(0.045, np.zeros(2)).pos, 0.25)


def test_it_is_at_every_tick_where_the_stand_ins_motors_are(glide):
    info = model.info(simulated=True)
    motors = Motors(info, TICK, 0.0, 0.05, error_clip=10.0)
    glide = Glide(info.joints, TICK, 0.05, gain_ramp=0.0, error_clip=10.0)
    none, still = np.zeros(info.joints), np.zeros(info.joints)
    for tick in range(40):
        if tick in (0, 10, 16):  # in time, and early
            asked = JointCommand(none + 0.1 * (1 + tick), none, none, none + 10.0, none)
            motors.send(asked)
            glide.take(asked, still, tick * TICK)
        sent = glide.at(tick * TICK, still)
        np.testing.assert_allclose(sent.kp * sent.pos, motors.torque(still, still), atol=1e-12)


def test_stiffness_grows_from_zero_and_damping_is_there_at_once(glide):
    glide.take(command(1.0), np.zeros(2), 0.0)
    first, middle, last = (glide.at(now, np.zeros(2)) for now in (0.0, 0.25, 0.6))
    assert (first.kp == 0).all() and (first.kd == 2.0).all()
    np.testing.assert_allclose(middle.kp, 50.0)
    np.testing.assert_allclose(last.kp, 100.0)


def test_a_joint_that_keeps_tracking_keeps_its_stiffness(glide):
    glide.take(command(1.0), np.zeros(2), 0.0)
    glide.take(command(0.5), np.zeros(2), 1.0)
    np.testing.assert_allclose(glide.at(1.0, np.zeros(2)).kp, 100.0)


def test_a_joint_that_was_passive_begins_softly_again(glide):
    glide.take(command(1.0), np.zeros(2), 0.0)
    glide.take(command(1.0, kp=0.0), np.zeros(2), 1.0)
    glide.take(command(1.0), np.full(2, 0.4), 2.0)
    woken = glide.at(2.0, np.full(2, 0.4))
    np.testing.assert_allclose(woken.pos, 0.46)  # a tenth of the way from there
    assert (woken.kp == 0).all()


def test_a_far_target_pulls_no_harder_than_the_clip():
    glide = Glide(2, tick=TICK, interval=0.0, gain_ramp=0.0, error_clip=0.2)
    glide.take(command(1.0), np.zeros(2), 0.0)
    near = glide.at(0.0, np.array([0.1, 0.95]))
    np.testing.assert_allclose(near.pos, [0.3, 1.0])
    np.testing.assert_allclose(near.kp, 100.0)
