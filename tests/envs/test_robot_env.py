import logging
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkConfig, WalkTask
from robots.clock import ManualClock
from robots.fake import FakeRobot
from robots.robot import JointCommand, RobotError, RobotStopped, StaleState
from tests.contracts.env_contract import EnvContract

STILL = {"action": np.zeros(12, np.float32)}
ON_ITS_BACK = np.array([1.0, 0.0, 0.0, 0.0])  # half a turn about x


def walking_env(robot: FakeRobot) -> RobotEnv:
    return RobotEnv(robot, WalkTask(robot.info))


class TestWalkingOnTheFakeRobot(EnvContract):
    def make_env(self) -> RobotEnv:
        return walking_env(FakeRobot())


def test_nothing_is_connected_before_the_first_reset():
    robot = FakeRobot()
    robot.absent = True
    env = walking_env(robot)
    assert env.obs_spec
    assert env.act_spec["action"].shape == (12,)
    env.close()


def test_a_robot_connected_already_is_taken_as_it_is():
    with FakeRobot() as robot:
        env = walking_env(robot)
        assert env.reset()["is_first"]


def test_reset_after_close_connects_again():
    env = walking_env(FakeRobot())
    env.reset()
    env.close()
    assert env.reset()["is_first"]
    env.step(STILL)


def test_a_step_takes_one_period_of_the_robots_clock():
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    begun = robot.clock.now()
    for _ in range(20):
        env.step(STILL)
    assert robot.clock.now() - begun == pytest.approx(1.0)
    assert len(robot.commands) == 20


def test_lateness_is_told_in_seconds():
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    env.step(STILL)
    assert env.timing()["late"] == 0.0
    robot.clock.advance(0.07)  # the policy took 70 ms of its 50
    env.step(STILL)
    assert env.timing()["late"] == pytest.approx(0.02)
    assert env.timing().keys() == {"write", "late", "sense", "estimate", "observe"}


def test_a_reset_sends_nothing():
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    assert len(robot.commands) == 0


def test_the_joints_go_where_the_action_says():
    robot = FakeRobot()
    task = WalkTask(robot.info)
    env = RobotEnv(robot, task)
    env.reset()
    for _ in range(60):
        env.step({"action": np.full(12, 0.5, np.float32)})
    np.testing.assert_allclose(robot.read().joint_pos, task.to_rad(np.full(12, 0.5)), atol=1e-3)


def test_applied_is_filtered_and_within_the_robots_limits():
    robot = FakeRobot()
    task = WalkTask(robot.info)
    env = RobotEnv(robot, task)
    env.reset()
    obs = env.step({"action": np.ones(12, np.float32)})
    applied = env.applied()["action"]
    assert applied[0] == pytest.approx(0.0412535, abs=1e-5)  # b0 of the low-pass, from 0
    np.testing.assert_allclose(task.to_rad(applied), robot.commands[-1].pos, atol=1e-6)
    np.testing.assert_array_equal(obs["target"], applied)
    # Full swings overshoot the range; the robot's limits cut what is sent, and applied says so.
    for n in range(40):
        env.step({"action": np.full(12, 1.0 if n // 8 % 2 else -1.0, np.float32)})
        sent = task.to_rad(env.applied()["action"])
        assert (sent <= robot.info.joint_upper + 1e-6).all()
        assert (sent >= robot.info.joint_lower - 1e-6).all()


def test_rewards_on_the_back_and_standing():
    robot = FakeRobot()
    env = walking_env(robot)
    assert env.reset()["reward"] == pytest.approx(9.0)
    robot.quat_xyzw, robot.accel = ON_ITS_BACK, np.array([0.0, 0.0, -9.81])
    obs = env.step({"action": env._task.to_action(robot.info.stand_pos).astype(np.float32)})
    assert obs["reward"] == pytest.approx(5.0)
    assert obs["log/up"] == pytest.approx(-1.0)
    np.testing.assert_allclose(obs["gravity"], [0.0, 0.0, 1.0], atol=1e-6)


def test_truth_is_logged_in_simulation_only():
    robot = FakeRobot()
    assert walking_env(robot).reset()["log/truth/up"] == 1.0
    hardware = FakeRobot(info=replace(robot.info, simulated=False))
    assert not [key for key in walking_env(hardware).reset() if "truth" in key]


def test_silence_ends_the_stream_with_the_last_good_observation(caplog):
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    good = env.step(STILL)
    robot.silent = True
    with caplog.at_level(logging.WARNING):
        obs = env.step(STILL)
    assert obs["is_last"]
    assert not obs["is_terminal"]
    assert obs["is_first"], "what is seen again is not what became of the action"
    for key in good.keys() - {"is_first", "is_last"}:
        np.testing.assert_array_equal(obs[key], good[key], err_msg=key)
    assert "fell silent" in caplog.text
    with pytest.raises(DaydreamerError, match="reset"):
        env.step(STILL)
    robot.silent = False
    assert env.reset()["is_first"]
    assert not env.step(STILL)["is_last"]


def test_a_safety_stop_ends_the_stream_and_nothing_is_collected_before_a_person_resets_it(caplog):
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    robot.stopped = "DAMP: FR_calf at 61 degC"
    with caplog.at_level(logging.WARNING):
        obs = env.step(STILL)
    assert (bool(obs["is_first"]), bool(obs["is_last"]), bool(obs["is_terminal"])) == (True, True, False)
    assert "61 degC" in caplog.text
    with pytest.raises(RobotStopped, match="operator"):
        env.reset()
    robot.stopped = ""
    assert env.reset()["is_first"]


def test_a_stopped_robot_whose_driver_can_do_nothing_more_is_not_waited_for():
    class Gone(FakeRobot):
        def read(self):
            if self.stopped:
                raise RobotError("the servo process is gone")
            return super().read()

    robot = Gone()
    env = walking_env(robot)
    env.reset()
    robot.stopped = "OFF: the servo process is gone"
    with pytest.raises(RobotError, match="is gone") as caught:
        env.step(STILL)
    assert not isinstance(caught.value, (RobotStopped, StaleState)), (
        "whoever drives it closes it, which damps"
    )


def test_after_a_reset_the_pose_that_is_asked_for_is_the_one_that_it_is_in():
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    for _ in range(5):
        env.step({"action": np.full(12, 0.8, np.float32)})
    for _ in range(20):
        env.brake.write(
            JointCommand.hold(robot.info.stand_pos, robot.info)
        )  # a person has it moved elsewhere
        env.rest(hold=True)
    there = robot.read().joint_pos
    env.reset()
    env.step(env.applied())
    np.testing.assert_allclose(robot.commands[-1].pos, there, atol=1e-6)


def test_silence_right_after_a_reset_ends_what_had_hardly_begun():
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    robot.silent = True
    obs = env.step(STILL)
    assert (bool(obs["is_first"]), bool(obs["is_last"])) == (True, True)


@pytest.mark.parametrize(
    "sensor, value",
    [
        ("gyro", np.array([0.0, np.nan, 0.0])),
        ("accel", np.array([np.inf, 0.0, 9.81])),
        ("foot_force", np.full(4, np.nan)),
        ("quat_xyzw", np.zeros(4)),
    ],
)
def test_a_sensor_that_reads_no_number_is_a_fault(sensor, value):
    robot = FakeRobot()
    env = walking_env(robot)
    env.reset()
    setattr(robot, sensor, value)
    obs = env.step(STILL)
    assert obs["is_last"]
    assert all(np.isfinite(x).all() for x in obs.values())
    with pytest.raises(StaleState, match=sensor):
        env.reset()


def test_reset_waits_for_a_robot_that_wakes_up():
    class Waking(FakeRobot):
        def read(self):
            self.silent = self.clock.now() < 1.0
            return super().read()

    robot = Waking()
    env = walking_env(robot)
    assert env.reset()["is_first"]
    assert robot.clock.now() == pytest.approx(1.0, abs=0.051)


def test_reset_gives_up_after_its_patience():
    robot = FakeRobot()
    robot.silent = True
    env = RobotEnv(robot, WalkTask(robot.info), patience=0.5)
    with pytest.raises(StaleState):
        env.reset()
    assert robot.clock.now() == pytest.approx(0.5)


def test_a_rate_is_positive():
    robot = FakeRobot()
    with pytest.raises(ValueError, match="positive"):
        RobotEnv(robot, WalkTask(robot.info), hz=0.0)


def test_a_fall_ends_a_stretch_and_the_reset_after_it_puts_the_robot_back():
    robot, back = FakeRobot(), []

    def restart():
        back.append(robot.clock.now())
        robot.quat_xyzw = np.array([0.0, 0.0, 0.0, 1.0])
        robot.clock.sleep_until(robot.clock.now() + 0.1)  # being lifted takes a moment; then it reads anew

    env = RobotEnv(robot, WalkTask(robot.info, WalkConfig(fall=0.5)), restart=restart)
    assert not env.reset()["is_last"] and not back, "where it begins it has just been put"
    assert not env.step(STILL)["is_last"]
    robot.quat_xyzw = ON_ITS_BACK
    fallen = env.step(STILL)
    assert fallen["is_terminal"] and fallen["is_last"] and not fallen["is_first"]
    again = env.reset()
    assert len(back) == 1 and again["log/up"] > 0.9 and again["is_first"]
    assert not env.step(STILL)["is_last"]


def test_a_robot_that_lies_where_it_fell_still_gets_its_first_observation():
    robot = FakeRobot()
    robot.quat_xyzw = ON_ITS_BACK
    env = RobotEnv(robot, WalkTask(robot.info, WalkConfig(fall=0.5)))
    first = env.reset()
    assert first["is_first"] and not first["is_last"] and not first["is_terminal"]
    assert env.step(STILL)["is_terminal"]


def test_a_glance_keeps_the_time_of_its_reading_when_the_same_one_comes_again():
    robot, wall = FakeRobot(), ManualClock(7.0)
    env = RobotEnv(robot, WalkTask(robot.info), wall=wall, unix=lambda: 1e9 + wall.now())
    env.reset()
    assert (env.glance.wall, env.glance.at) == (1e9 + 7.0, 7.0)
    robot.frozen = True
    wall.advance(2.0)
    env.rest()
    assert (env.glance.wall, env.glance.at) == (1e9 + 7.0, 7.0)
    robot.frozen = False
    env.rest()
    assert (env.glance.wall, env.glance.at) == (1e9 + 9.0, 9.0)
