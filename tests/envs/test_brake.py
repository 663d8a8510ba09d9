"""A person's stop, on robots with and without a safety of their own."""

import threading

import numpy as np
import pytest

from daydreamer.core.errors import DaydreamerError
from daydreamer.envs.brake import Brake
from daydreamer.envs.robot_env import RobotEnv
from daydreamer.envs.tasks.walk import WalkTask
from robots.fake import FakeRobot
from robots.robot import JointCommand, RobotError, RobotStopped, StaleState
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode

STILL = {"action": np.zeros(12, np.float32)}


def stand(robot):
    return JointCommand.hold(robot.info.stand_pos, robot.info)


@pytest.fixture
def robot():
    return FakeRobot()


@pytest.fixture(params=["bare", "guarded"])
def brake(robot, request):
    guarded = SafetyGuard(robot, SafetyConfig(frozen_imu=np.inf, frozen_joints=np.inf))
    made = Brake(robot if request.param == "bare" else guarded)
    with made:
        robot.clock.advance(0.05)
        made.read()
        yield made


def damps(command):
    return not command.kp.any() and (command.kd > 0).all()


def test_it_is_out_of_the_way_until_it_is_tripped(brake, robot):
    assert (brake.write(stand(robot)).kp > 0).all()
    assert (brake.mode, brake.stopped, brake.estop, brake.tripped) == (Mode.NORMAL, "", "none", False)


def test_tripped_it_damps_at_once_and_stays_so(brake, robot):
    brake.write(stand(robot))
    brake.trip("stopped by Ann")
    assert damps(robot.commands[-1]), "before anybody commands again"
    robot.clock.advance(0.05)
    assert damps(brake.write(stand(robot))) and damps(robot.commands[-1])
    assert brake.mode is Mode.DAMP and "Ann" in brake.stopped and brake.tripped


def test_only_a_named_person_resets_it(brake, robot):
    brake.trip("stopped by Ann")
    with pytest.raises(RobotError, match="name"):
        brake.reset(" ")
    assert brake.mode is Mode.DAMP
    robot.clock.advance(0.05)
    brake.reset("Ann")
    robot.clock.advance(0.05)
    assert brake.mode is Mode.NORMAL and (brake.write(stand(robot)).kp > 0).all()


def test_a_stop_that_comes_while_it_is_reset_is_not_lost(brake, robot, monkeypatch):
    """From another thread, at the worst moment: when the robot's own safety has just said yes."""
    brake.trip("stopped by Ann")
    robot.clock.advance(0.05)
    inside = brake._guard or brake._robot
    granted = getattr(inside, "reset", None)

    class Late(type(inside)):
        stopped = property(lambda self: (brake.trip("stopped by Bob"), "")[1], lambda self, why: None)

        def reset(self, operator):
            granted(operator)
            brake.trip("stopped by Bob")

    monkeypatch.setattr(inside, "__class__", Late)
    with pytest.raises(RobotError, match=r"stopped anew.*Bob"):
        brake.reset("Ann")
    monkeypatch.undo()
    robot.clock.advance(0.05)
    assert "Bob" in brake.stopped and damps(brake.write(stand(robot))) and brake.mode is Mode.DAMP
    brake.reset("Bob")
    assert brake.stopped == ""


def test_a_reset_that_was_asked_for_before_the_stop_is_refused(brake, robot):
    asked = brake.trips
    brake.trip("stopped by Ann")
    robot.clock.advance(0.05)
    with pytest.raises(RobotError, match="stopped anew"):
        brake.reset("Bob", asked)
    assert brake.mode is Mode.DAMP


def test_it_stays_on_over_a_connection(brake, robot):
    brake.trip("stopped by Ann")
    brake.close()
    brake.connect()
    robot.clock.advance(0.05)
    assert brake.mode is Mode.DAMP and damps(brake.write(stand(robot)))


def test_a_reset_is_refused_while_the_robots_own_safety_stops_it(robot):
    brake = Brake(robot)
    robot.stopped = "a motor is hot"
    with pytest.raises(RobotError, match="a motor is hot"):
        brake.reset("Ann")


def test_before_anything_is_connected_a_stop_keeps_the_motors_damped_from_the_start(robot):
    brake = Brake(robot)
    brake.trip("stopped by Ann")
    brake.connect()
    assert damps(brake.write(stand(robot)))


class Apart(FakeRobot):
    """Its safety is in a process of its own, which is there from ``connect`` on."""

    def __init__(self):
        super().__init__()
        self.mode, self.there = Mode.NORMAL, False
        self.while_connecting = lambda: None

    def connect(self):
        self.while_connecting()
        super().connect()
        self.there = True

    def trip(self, fault):
        if not self.there:
            raise RobotError("not connected")
        self.mode, self.stopped = Mode.DAMP, "DAMP: someone pressed stop"

    def reset(self, operator):
        self.mode, self.stopped = Mode.NORMAL, ""


def test_that_the_robots_own_safety_could_not_write_a_stop_down_is_told_with_the_persons_words():
    robot = Apart()
    robot.there, robot.unkept = True, ". It could not be written to a1.stop: a restart forgets it"
    brake = Brake(robot)
    assert brake.stopped == ""
    brake.trip("stopped by Ann")
    assert brake.stopped == "DAMP: stopped by Ann. It could not be written to a1.stop: a restart forgets it"


def test_a_stop_while_the_robot_is_being_connected_does_not_wait_for_it_and_reaches_its_own_safety():
    robot = Apart()
    env = RobotEnv(robot, WalkTask(robot.info), patience=0.1)
    written = []

    def press():
        robot.write = written.append  # which an A1 that connects would let wait
        env.brake.trip("stopped by Ann")
        del robot.write

    robot.while_connecting = press
    with pytest.raises(RobotStopped, match="Ann"):
        env.reset()
    assert robot.mode is Mode.DAMP and not written
    env.brake.reset("Ann")
    assert robot.mode is Mode.NORMAL and env.reset()["is_first"]


def test_a_robot_whose_safety_is_passed_on_is_guarded_in_every_python():
    """As a calibrated robot passes it on: since 3.12 ``isinstance`` does not find it."""

    class PassesOn:
        def __init__(self, robot):
            self._robot = robot

        def __getattr__(self, name):
            return getattr(self._robot, name)

    robot = Apart()
    brake = Brake(PassesOn(robot))
    brake.connect()
    brake.trip("stopped by Ann")
    assert robot.mode is Mode.DAMP
    brake.reset("Ann")
    assert robot.mode is Mode.NORMAL


def test_a_stop_says_whether_it_is_a_new_one(brake, robot):
    assert [brake.trip("stopped by Ann"), brake.trip("stopped by Bob")] == [False, True]
    robot.clock.advance(0.05)
    brake.reset("Ann")
    assert brake.trip("stopped by Ann") is False


def test_a_control_loop_that_hangs_in_a_command_does_not_hold_up_a_stop(robot):
    inside, leave = threading.Event(), threading.Event()
    written = []

    def hang(command):
        written.append(command)
        if len(written) == 1:
            inside.set()
            leave.wait(60)
        return command

    robot.write = hang
    brake = Brake(robot)
    loop = threading.Thread(target=brake.write, args=(stand(robot),))
    loop.start()
    assert inside.wait(60)
    brake.trip("stopped by Ann")
    leave.set()
    loop.join(60)
    assert damps(written[-1]) and brake.mode is Mode.DAMP


def test_a_stop_ends_the_stretch_and_rest_damps_until_a_reset():
    robot = FakeRobot()
    env = RobotEnv(robot, WalkTask(robot.info), patience=0.1)
    env.reset()
    env.step(STILL)
    env.brake.trip("stopped by Ann")
    obs = env.step(STILL)
    assert obs["is_last"] and not obs["is_terminal"]
    with pytest.raises(RobotStopped, match="Ann"):
        env.reset()
    before = robot.clock.now()
    for _ in range(3):
        env.rest()
    assert damps(robot.commands[-1]) and robot.clock.now() > before
    assert env.glance.state.time == robot.clock.now(), "it goes on looking"
    env.brake.reset("Ann")
    assert env.reset()["is_first"]


def test_rest_holds_what_it_is_told_to_and_ends_a_stretch():
    robot = FakeRobot()
    env = RobotEnv(robot, WalkTask(robot.info))
    with pytest.raises(DaydreamerError, match="reset"):
        env.rest()
    env.reset()
    env.rest(hold=True)
    assert damps(robot.commands[-1]), "what was not stiff is not stiffened"
    env.brake.write(stand(robot))
    env.rest(hold=True)
    assert (robot.commands[-1].kp > 0).all() and env.glance.sent is env.brake.sent
    with pytest.raises(DaydreamerError, match="reset"):
        env.step(STILL)
    robot.silent = True
    with pytest.raises(StaleState):
        env.rest()
    assert damps(robot.commands[-1]), "a silent robot is damped all the same"
