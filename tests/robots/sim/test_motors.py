"""The stand-in's motors: latency, ramp, PD and limits, with numbers worked by hand and no simulator."""

import numpy as np
import pytest

from robots.a1 import model
from robots.robot import JointCommand
from robots.sim.motors import Motors

INFO = model.info(simulated=True)
DT = 0.002
ZERO = np.zeros(12)


def motors(latency=0.0, command_interval=DT, error_clip=0.2) -> Motors:
    return Motors(INFO, DT, latency, command_interval, error_clip)


def command(pos=0.0, vel=0.0, torque=0.0, kp=0.0, kd=0.0) -> JointCommand:
    return JointCommand(*(np.full(12, float(value)) for value in (pos, vel, torque, kp, kd)))


def test_before_any_command_the_motors_damp():
    # kd of hip, thigh, calf is 1, 2, 2: at 0.5 rad/s that brakes with 0.5, 1 and 1 N m.
    torque = motors().torque(ZERO, np.full(12, 0.5))
    np.testing.assert_allclose(torque, np.tile([-0.5, -1.0, -1.0], 4))


def test_pd_uses_every_field_of_the_command():
    made = motors()
    made.send(command(pos=0.1, vel=2.0, torque=3.0, kp=50.0, kd=0.5))
    # 3 + 50 (0.1 - 0.04) + 0.5 (2 - 1) = 3 + 3 + 0.5 = 6.5
    np.testing.assert_allclose(made.torque(np.full(12, 0.04), np.ones(12)), 6.5)


def test_a_far_target_pulls_no_harder_than_the_error_clip():
    made = motors(error_clip=0.2)
    made.send(command(pos=1.0, kp=100.0))
    np.testing.assert_allclose(made.torque(ZERO, ZERO), 20.0)  # 100 x 0.2, not 100 x 1.0


@pytest.mark.parametrize("asked", [1000.0, -1000.0])
def test_torque_is_limited(asked):
    made = motors()
    made.send(command(torque=asked))
    np.testing.assert_allclose(made.torque(ZERO, ZERO), np.sign(asked) * 33.5)


@pytest.mark.parametrize(("latency", "steps"), [(0.0, 0), (0.002, 1), (0.004, 2), (0.040, 20)])
def test_a_command_arrives_after_its_latency(latency, steps):
    made = motors(latency=latency)
    made.send(command(torque=1.0))
    felt = [made.torque(ZERO, ZERO)[0] for _ in range(steps + 2)]
    assert felt == [0.0] * steps + [1.0, 1.0]


def test_commands_on_the_way_keep_their_order():
    made = motors(latency=0.004)
    felt = []
    for asked in (1.0, 2.0, 3.0, 4.0):
        made.send(command(torque=asked))
        felt.append(made.torque(ZERO, ZERO)[0])
    assert felt == [0.0, 0.0, 1.0, 2.0]


def test_the_target_moves_in_equal_steps_over_the_command_interval():
    made = motors(command_interval=4 * DT, error_clip=1.0)
    made.send(command(pos=0.4, kp=1.0))
    # From 0 to 0.4 in four steps, then it stays; kp is 1 so the torque is the target itself.
    felt = [made.torque(ZERO, ZERO)[0] for _ in range(6)]
    np.testing.assert_allclose(felt, [0.1, 0.2, 0.3, 0.4, 0.4, 0.4])


def test_a_new_target_ramps_from_where_the_old_ramp_had_come_to():
    made = motors(command_interval=4 * DT, error_clip=1.0)
    made.send(command(pos=0.4, kp=1.0))
    made.torque(ZERO, ZERO)
    made.torque(ZERO, ZERO)  # the target is now 0.2
    made.send(command(pos=-0.2, kp=1.0))
    felt = [made.torque(ZERO, ZERO)[0] for _ in range(4)]
    np.testing.assert_allclose(felt, [0.1, 0.0, -0.1, -0.2], atol=1e-12)


def test_the_first_ramp_starts_at_the_joint_so_that_nothing_jerks():
    made = motors(command_interval=4 * DT, error_clip=1.0)
    here = np.full(12, 0.8)
    made.send(command(pos=1.2, kp=10.0))
    # One quarter of the way from 0.8 to 1.2 is 0.9: an error of 0.1 and not of 0.4.
    np.testing.assert_allclose(made.torque(here, ZERO), 1.0)


def test_release_forgets_commands_on_the_way():
    made = motors(latency=0.004)
    made.send(command(torque=5.0))
    made.release()
    np.testing.assert_allclose([made.torque(ZERO, ZERO) for _ in range(4)], 0.0)
