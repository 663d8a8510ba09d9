"""The stand-in that is like some robot: made from its calibration file, and varied around it."""

import numpy as np
import pytest

from robots import registry
from robots.calibration import Calibration, CalibrationError, Measured
from robots.calibration_parts import Joints, Sim
from robots.robot import RobotError
from robots.sim.conditions import Around
from robots.sim.stand_in import StandIn

FOUND = Sim(0.021, 0.06, 0.9, (0.6,) * 12, (0.1,) * 12, (1.1,) * 12)


def file(tmp_path, robot="a1", **parts):
    parts = {name: Measured(values, "by hand", "now", True) for name, values in parts.items()}
    path = tmp_path / "calibration.json"
    Calibration(robot, "blue", "now", "test", parts).save(path)
    return path


def test_the_calibration_of_a_robot_makes_a_stand_in_like_it(tmp_path):
    robot = registry.make("a1-sim", file(tmp_path, sim=FOUND))
    assert isinstance(robot, StandIn), "its sensors do not lie, so nothing corrects them"
    wrong = robot._distorter.distortion
    assert wrong.coulomb == (0.6,) * 12 and wrong.torque_scale == (1.1,) * 12 and not any(wrong.gyro_bias)
    assert robot._latency == (0.021, 0.021)


def test_what_is_said_goes_over_what_was_fitted(tmp_path):
    robot = registry.make("a1-sim", file(tmp_path, sim=FOUND), latency=[0.0, 0.04])
    assert robot._latency == (0.0, 0.04)


def test_a_setting_of_what_is_wrong_leaves_the_rest_of_it_as_fitted(tmp_path):
    robot = registry.make("a1-sim", file(tmp_path, sim=FOUND), distortion={"sensor_delay": 0.02})
    wrong = robot._distorter.distortion
    assert wrong.sensor_delay == 0.02 and wrong.coulomb == (0.6,) * 12


def test_a_robot_that_nothing_was_fitted_to_makes_no_stand_in(tmp_path):
    with pytest.raises(CalibrationError, match=r"daydreamer calibrate a1 --fit-sim LOG"):
        registry.make("a1-sim", file(tmp_path, joints=Joints((0.0,) * 12)))


def test_robots_are_drawn_around_the_fitted_one():
    around = Around(0.2, np.random.default_rng(0))
    drawn = [around.next() for _ in range(50)]
    factors = np.array([[*one.coulomb, *one.viscous, *one.torque, one.latency] for one in drawn])
    assert factors.min() >= 0.8 and factors.max() <= 1.2 and factors.std() > 0.1
    with pytest.raises(RobotError, match=r"share in \[0, 1\)"):
        Around(1.0, np.random.default_rng(0))


def test_a_spread_changes_the_robot_and_the_same_seed_draws_the_same_one():
    def angles(seed):
        with StandIn(start="stand", seed=seed, spread=0.3, latency=0.02) as robot:
            robot.clock.sleep_until(0.1)
            return robot.read().joint_pos, robot._longer, robot._distorter._torque_scale

    one, longer, scale = angles(3)
    again, _, _ = angles(3)
    np.testing.assert_array_equal(one, again)
    assert (scale != 1.0).any() and 0.7 <= longer <= 1.3


def test_a_spread_reaches_a_latency_of_two_steps_too():
    with StandIn(start="stand", seed=3, spread=0.3, latency=0.004) as robot:
        steps = [robot._motors.latency_steps + robot._later() for _ in range(2000)]
        assert abs(robot._longer - 1) > 0.05, "this seed's"
        assert np.mean(steps) == pytest.approx(2 * robot._longer, abs=0.05)
