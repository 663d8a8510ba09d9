"""``kill -9`` of whoever drives an A1, and what the robot says of it: judged by the emulated robot's own log."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.a1.servo_process import environment
from robots.clock import MonotonicClock
from tests.awaiting import is_alive, until

pytest.importorskip("pybullet")
pytestmark = pytest.mark.system

# Commands may come late on a busy computer; in most tests it is that they end which is looked at.
PATIENT = {"command_hold": 2.0, "command_damp": 4.0, "state_hold": 2.0, "state_damp": 4.0}
TRIES = (
    3  # a promise of so many ms is kept at least once of so many times, however little time the computer has
)

DRIVER = """
import json
import sys
from robots.a1.driver import A1
from robots.robot import JointCommand, RobotError

safety = {"position_margin": 0.15, **json.loads(sys.argv[2])}
robot = A1("127.0.0.1", int(sys.argv[1]), local_port=0, safety=safety, patience=60.0)
robot.connect()
start, info, clock = robot.read().joint_pos, robot.info, robot.clock
print(robot.servo_pid, flush=True)
begun = clock.now()
try:
    while True:
        share = min(1.0, clock.now() - begun)
        robot.write(JointCommand.hold(start + share * (info.stand_pos - start), info))
        clock.sleep_until(clock.now() + 0.05)
        robot.read()
except RobotError as error:
    print(type(error).__name__, error, flush=True)
    robot.close()
"""


class Scene:
    """An emulated A1 and a process that makes it stand up."""

    def __init__(self, directory, safety=PATIENT, **settings):
        self.log_file = directory / "robot.jsonl"
        config = EmulatorConfig(port=0, start="belly", log=str(self.log_file), **settings)
        self.robot = EmulatorProcess(config)
        self.driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.robot.address[1]), json.dumps(safety)],
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.servo = int(self.driver.stdout.readline())
        self.until(lambda: self.drives() == ["driven"])

    def log(self) -> list[dict]:
        text = self.log_file.read_text() if self.log_file.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    def drives(self) -> list[str]:
        return [line["drive"] for line in self.log()]

    def until(self, condition):
        until(condition, lambda: f"what was expected; the robot says {self.log()}")

    def damped_after(self, moment: float) -> tuple[float, str]:
        """How long [s] after ``moment`` the robot was damped, and why."""
        self.until(lambda: self.drives()[-1] == "damped")
        change = self.log()[-1]
        return change["time"] - moment, change["cause"]

    def kill(self, *pids: int, how: int = signal.SIGKILL) -> float:
        moment = MonotonicClock().now()
        for pid in pids:
            os.kill(pid, how)
        return moment

    def end(self):
        for pid in (self.driver.pid, self.servo):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.driver.wait()
        self.driver.stdout.close()
        self.robot.end()


@pytest.fixture
def scene(tmp_path):
    """``scene(**settings)`` of the emulated robot."""
    made = []

    def make(**settings) -> Scene:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        made.append(Scene(directory, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


def soon(seconds: float, how_late) -> None:
    """``how_late()`` is less than ``seconds``, once in TRIES."""
    found = []
    while not (found and found[-1] < seconds):
        assert len(found) < TRIES, f"damped after {found} s, expected less than {seconds} s"
        found.append(how_late())


def test_the_driver_is_killed_and_the_servo_damps_and_leaves(scene):
    def how_late():
        it = scene()
        time.sleep(random.uniform(0.0, 1.0))  # any moment of standing up
        moment = it.kill(it.driver.pid)
        it.driver.wait()
        late, cause = it.damped_after(moment)
        assert cause == "command"
        it.until(lambda: not is_alive(it.servo))
        assert it.drives() == ["driven", "damped"], "and it stays damped"
        return late

    soon(0.1, how_late)


def test_the_driver_hangs_and_the_servo_holds_then_damps(scene):
    it = scene(safety={"command_hold": 1.0, "command_damp": 2.0, "state_hold": 2.0, "state_damp": 4.0})
    moment = it.kill(it.driver.pid, how=signal.SIGSTOP)
    late, cause = it.damped_after(moment)
    assert it.drives() == ["driven", "damped"] and cause == "command"
    assert 1.0 < late < 10.0, "held until then: its last command was not a second old when it was stopped"


def test_the_servo_is_killed_and_the_robot_brakes_by_itself_and_the_driver_is_told(scene):
    def how_late():
        it = scene(command_timeout=0.05)
        moment = it.kill(it.servo)
        late, cause = it.damped_after(moment)
        assert cause == "no command came"
        told = it.driver.stdout.readline()
        assert told.startswith(("RobotError", "CommandError")) and "servo process" in told
        assert it.driver.wait(60) == 0
        return late

    soon(0.15, how_late)


def test_the_servo_hangs_and_the_driver_kills_it_and_damps_in_its_place(scene):
    it = scene(command_timeout=None)  # a robot that goes on with its last command
    moment = it.kill(it.servo, how=signal.SIGSTOP)
    late, cause = it.damped_after(moment)
    assert cause == "command" and late < 10.0, "one that the driver sent"
    told = it.driver.stdout.readline()
    assert told.startswith("RobotError") and "hung" in told
    assert it.driver.wait(60) == 0
    it.until(lambda: not is_alive(it.servo))


def test_the_servo_hangs_and_a_driver_that_closes_does_not_wait_for_it(scene):
    def how_late():
        it = scene(command_timeout=None, safety={**PATIENT, "state_hold": 0.3})
        moment = it.kill(it.servo, how=signal.SIGSTOP)
        late, cause = it.damped_after(moment)
        told = it.driver.stdout.readline()
        assert told.startswith("StaleState no word from the servo process"), "its cable is not to blame"
        assert cause == "command" and it.driver.wait(60) == 0
        it.until(lambda: not is_alive(it.servo))
        return late

    soon(1.2, how_late)


def test_the_servo_is_killed_and_the_driver_damps_in_its_place(scene):
    it = scene(command_timeout=None)
    late, cause = it.damped_after(it.kill(it.servo))
    assert cause == "command" and late < 10.0


def test_both_are_killed_and_a_robot_that_brakes_by_itself_is_damped(scene):
    def how_late():
        it = scene(command_timeout=0.05)
        late, cause = it.damped_after(it.kill(it.servo, it.driver.pid))
        assert cause == "no command came"
        return late

    soon(0.15, how_late)


def test_both_are_killed_and_a_robot_that_does_not_brake_goes_on_with_the_last_command(scene):
    """The worst case, of which software beside the robot cannot take care: this is what the stop button is for."""
    it = scene(command_timeout=None)
    it.kill(it.servo, it.driver.pid)
    time.sleep(0.5)
    assert it.drives() == ["driven"]


def test_the_servo_is_told_to_end_and_damps_first(scene):
    def how_late():
        it = scene()
        late, cause = it.damped_after(it.kill(it.servo, how=signal.SIGTERM))
        assert cause == "command"
        it.until(lambda: it.driver.stdout.readline().startswith(("RobotError", "CommandError")))
        return late

    soon(0.1, how_late)
