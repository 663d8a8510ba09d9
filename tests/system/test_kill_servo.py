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

pytest.importorskip("pybullet")
pytestmark = pytest.mark.system

DRIVER = """
import sys
from robots.a1.driver import A1
from robots.robot import JointCommand, RobotError

robot = A1("127.0.0.1", int(sys.argv[1]), local_port=0, safety={"position_margin": 0.15})
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

    def __init__(self, directory, **settings):
        self.log_file = directory / "robot.jsonl"
        config = EmulatorConfig(port=0, start="belly", log=str(self.log_file), **settings)
        self.robot = EmulatorProcess(config, patience=30.0)
        self.driver = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(self.robot.address[1])],
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

    def until(self, condition, within: float = 10.0):
        deadline = time.monotonic() + within
        while not condition():
            assert time.monotonic() < deadline, f"not within {within} s; the robot says {self.log()}"
            time.sleep(0.005)

    def damped_after(self, moment: float, within: float = 5.0) -> tuple[float, str]:
        """How long [s] after ``moment`` the robot was damped, and why."""
        self.until(lambda: self.drives()[-1] == "damped", within)
        change = self.log()[-1]
        return change["time"] - moment, change["cause"]

    def kill(self, *pids: int, how: int = signal.SIGKILL) -> float:
        moment = time.monotonic()
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
        made.append(Scene(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.end()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_driver_is_killed_and_the_servo_damps_and_leaves(scene):
    it = scene()
    time.sleep(random.uniform(0.0, 1.0))  # any moment of standing up
    moment = it.kill(it.driver.pid)
    it.driver.wait()
    late, cause = it.damped_after(moment)
    assert late < 0.1 and cause == "command"
    it.until(lambda: not is_alive(it.servo))
    assert it.drives() == ["driven", "damped"], "and it stays damped"


def test_the_driver_hangs_and_the_servo_holds_then_damps(scene):
    it = scene()
    moment = it.kill(it.driver.pid, how=signal.SIGSTOP)
    time.sleep(0.5)
    assert it.drives() == ["driven"], "held"
    late, cause = it.damped_after(moment)
    assert 0.9 < late < 1.3 and cause == "command"


def test_the_servo_is_killed_and_the_robot_brakes_by_itself_and_the_driver_is_told(scene):
    it = scene(command_timeout=0.05)
    moment = it.kill(it.servo)
    late, cause = it.damped_after(moment)
    assert late < 0.15 and cause == "no command came"
    told = it.driver.stdout.readline()
    assert told.startswith(("StaleState", "CommandError")) and "servo process" in told
    assert it.driver.wait(10) == 0


def test_both_are_killed_and_a_robot_that_brakes_by_itself_is_damped(scene):
    it = scene(command_timeout=0.05)
    late, cause = it.damped_after(it.kill(it.servo, it.driver.pid))
    assert late < 0.15 and cause == "no command came"


def test_both_are_killed_and_a_robot_that_does_not_brake_goes_on_with_the_last_command(scene):
    """The worst case, of which software beside the robot cannot take care: this is what the stop button is for."""
    it = scene(command_timeout=None)
    it.kill(it.servo, it.driver.pid)
    time.sleep(0.5)
    assert it.drives() == ["driven"]


def test_the_servo_is_told_to_end_and_damps_first(scene):
    it = scene()
    late, cause = it.damped_after(it.kill(it.servo, how=signal.SIGTERM))
    assert late < 0.1 and cause == "command"
    it.until(lambda: it.driver.stdout.readline().startswith(("StaleState", "CommandError")))
