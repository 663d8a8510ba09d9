"""The A1 behind the vendor's module keeps the contract of every robot: servo, bridge, stand-in module, emulated A1."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from robots.a1 import wire
from robots.a1.emulated import SOFT_STOPS
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.a1.sdk import SdkA1
from robots.registry import make
from robots.robot import JointCommand, RobotError, StaleState
from robots.safety.modes import Mode
from tests.awaiting import until
from tests.contracts.robot_contract import RobotContract

pytest.importorskip("pybullet")

VENDOR = str(Path(__file__).parent / "vendor")
NEVER_LATE = {"state_hold": 2.0, "state_damp": 5.0, "command_hold": 5.0, "command_damp": 10.0}


class Bench:
    """One emulated A1 for all tests; one driver, connected for as long as no test needs another."""

    def __init__(self):
        self.emulator = EmulatorProcess(EmulatorConfig(port=0, start="belly"))
        self.driver: SdkA1 | None = None

    def new_driver(self) -> SdkA1:
        if self.driver is not None:
            self.driver.close()
        self.driver = SdkA1(damp_time=0.02, patience=60.0, safety={**SOFT_STOPS, **NEVER_LATE})
        return self.driver

    def connected(self) -> SdkA1:
        driver = self.driver or self.new_driver()
        driver.connect()
        for _ in range(40):  # no reset is granted while legs that were thrown still fly
            if driver.mode is Mode.NORMAL:
                break
            try:
                driver.reset("the next test")
            except RobotError:
                driver.clock.sleep_until(driver.clock.now() + 0.05)
        assert driver.mode is Mode.NORMAL, driver.stopped
        driver.write(JointCommand.damp(driver.read(), driver.info))
        for _ in range(40):  # the test before may have sent the legs anywhere: let them come to rest
            driver.clock.sleep_until(driver.clock.now() + 0.02)
            if np.abs(driver.read().joint_vel).max() < 0.5:
                break
        return driver


@pytest.fixture(scope="module")
def bench():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(VENDOR)
        patch.setenv("PYTHONPATH", VENDOR, prepend=os.pathsep)
        made = Bench()
        patch.setenv("DAYDREAMER_TEST_A1", "{}:{}".format(*made.emulator.address))
        yield made
        made.new_driver()
        made.emulator.end()


class TestSdkA1(RobotContract):
    real_time = True  # and five processes share the cores of the computer

    @pytest.fixture(autouse=True)
    def at_the_bench(self, bench):
        self.bench = bench

    def make_robot(self) -> SdkA1:
        return self.bench.new_driver()

    @pytest.fixture
    def robot(self):
        return self.bench.connected()

    def last_sent(self, robot: SdkA1) -> JointCommand:
        robot.connect()
        return robot.sent()


def test_a_module_that_dies_is_told_and_the_next_connection_has_another(bench):
    robot = bench.connected()
    os.kill(robot.bridge_pid, signal.SIGKILL)
    deadline = robot.clock.now() + 60.0
    with pytest.raises(RobotError, match="the vendor's module is gone: it ended with signal 9") as caught:
        while robot.clock.now() < deadline:
            robot.read()
            robot.clock.sleep_until(robot.clock.now() + 0.05)
    assert not isinstance(caught.value, StaleState), "waiting does not help"
    robot.close()
    robot.connect()
    assert robot.read().seq > 0


@pytest.mark.parametrize("closes", [False, True], ids=["read on", "closed"])
def test_a_module_that_blocks_is_killed_and_the_robot_damped_in_its_place(
    bench, closes, tmp_path, monkeypatch
):
    """A robot that goes on with its last command, and says itself when it damps."""
    log = tmp_path / "robot.jsonl"
    emulator = EmulatorProcess(EmulatorConfig(port=0, start="belly", log=str(log)))
    monkeypatch.setenv("DAYDREAMER_TEST_A1", "{}:{}".format(*emulator.address))
    monkeypatch.setattr(wire, "ROBOT_ADDRESS", emulator.address)
    monkeypatch.setattr(wire, "CLIENT_PORT", 0)
    robot = SdkA1(damp_time=0.02, patience=60.0, safety={**SOFT_STOPS, **NEVER_LATE, "state_hold": 0.5})
    try:
        robot.connect()
        for _ in range(10):
            robot.write(JointCommand.hold(robot.read().joint_pos, robot.info))
            robot.clock.sleep_until(robot.clock.now() + 0.05)
        blocked_at = robot.clock.now()
        os.kill(robot.bridge_pid, signal.SIGSTOP)
        said = read_until_it_fails(robot, StaleState if closes else RobotError)
        assert closes or "was killed, and the robot was told to damp in its place" in said
        robot.close()
    finally:
        robot.close()
        emulator.end()
    changes = [json.loads(line) for line in log.read_text().splitlines()]
    driven, damped = [line for line in changes if "drive" in line][-2:]
    assert (driven["drive"], damped["drive"], damped["cause"]) == ("driven", "damped", "command")
    assert 0.5 < damped["time"] - blocked_at < 3.0


def read_until_it_fails(robot, kind):
    """What is said when ``read`` raises ``kind``, and not a kind of it that one may wait on."""
    deadline = robot.clock.now() + 60.0
    while robot.clock.now() < deadline:
        try:
            robot.read()
        except RobotError as error:
            if type(error) is kind:
                return str(error)
        robot.clock.sleep_until(robot.clock.now() + 0.05)
    raise AssertionError(f"no {kind.__name__}")


def test_the_stop_of_the_safety_core_reaches_the_robot_through_the_module(bench):
    from robots.safety.faults import Fault

    robot = bench.connected()
    robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
    robot.trip(Fault.EMERGENCY_STOP)
    until(lambda: robot.mode is Mode.DAMP, "the stop")
    assert not robot.sent().kp.any()


def test_an_absent_module_says_what_to_build():
    with pytest.raises(RobotError, match=r"'no_such_module'.*v3\.2 to v3\.3\.4.*PYTHONPATH.*robot 'a1'"):
        SdkA1(module="no_such_module").connect()


def test_another_module_of_that_name_is_told_apart(bench):
    # `string` can be imported and has no RobotInterface.
    with pytest.raises(RobotError, match=r"has no RobotInterface.*Go1"):
        SdkA1(module="string", patience=60.0).connect()


def test_the_address_is_the_modules_affair():
    with pytest.raises(RobotError, match="leave out host"):
        SdkA1(host="192.168.123.10")


def test_a_stop_is_remembered_as_that_of_the_robot_whichever_driver_it_was(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert make("a1-sdk").latch_file == make("a1").latch_file
