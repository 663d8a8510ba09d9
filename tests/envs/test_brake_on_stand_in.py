"""A stop makes a simulated robot really limp: standing, it sinks to the ground, whatever is commanded."""

import pytest

from daydreamer.envs.brake import Brake
from robots.robot import JointCommand

stand_in = pytest.importorskip("robots.sim.stand_in")
pytest.importorskip("pybullet")


def test_a_standing_robot_sinks_when_it_is_stopped_and_gets_up_after_a_reset():
    with Brake(stand_in.StandIn(start="stand", start_jitter=0.0)) as robot:

        def drive(seconds):
            for _ in range(round(20 * seconds)):
                robot.read()
                robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
                robot.clock.sleep_until(robot.clock.now() + 0.05)
            return float(robot.truth()["position"][2])

        stood = drive(1.0)
        robot.trip("stopped by Ann")
        limp = drive(1.5)
        assert limp < 0.6 * stood, f"{stood:.2f} m high standing, {limp:.2f} m limp"
        robot.reset("Ann")
        assert drive(2.0) > 0.9 * stood
