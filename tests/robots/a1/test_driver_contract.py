"""The A1's driver keeps the contract of every robot, over UDP, in real time, with an emulated A1 at the other end."""

import errno
import io
from unittest.mock import Mock

import numpy as np
import pytest

from robots.a1 import servo
from robots.a1.driver import A1
from robots.a1.emulated import SOFT_STOPS
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.a1.mailbox import Mailbox
from robots.a1.records import ORDER, REPORT
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_process import StartedProcess
from robots.a1.udp import UdpLine
from robots.robot import JointCommand, RobotAbsent, RobotError
from robots.safety.config import SafetyConfig
from robots.safety.faults import Fault
from robots.safety.modes import Mode
from tests.awaiting import until
from tests.contracts.robot_contract import RobotContract

pytest.importorskip("pybullet")


# Tests stall on a busy computer; what is tested here is not how late a command or a state may be.
PATIENT = {**SOFT_STOPS, "command_hold": 5.0, "command_damp": 9.0, "state_hold": 5.0, "state_damp": 9.0}


class Bench:
    """One emulated A1 for all tests; one driver, connected for as long as no test needs another."""

    def __init__(self):
        self.emulator = EmulatorProcess(EmulatorConfig(port=0, start="belly"))
        self.driver: A1 | None = None

    def new_driver(self) -> A1:
        if self.driver is not None:
            self.driver.close()
        calm = {"damp_time": 0.02, "safety": PATIENT, "patience": 60.0}
        self.driver = A1(*self.emulator.address, local_port=0, **calm)
        return self.driver

    def connected(self) -> A1:
        driver = self.driver or self.new_driver()
        driver.connect()
        if driver.mode is not Mode.NORMAL:
            driver.reset("the next test")
        driver.write(JointCommand.damp(driver.read(), driver.info))
        # The test before may have sent the legs anywhere a moment ago: let them come to rest, for 2 s at most.
        for _ in range(20):
            driver.clock.sleep_until(driver.clock.now() + 0.1)
            if np.abs(driver.read().joint_vel).max() < 0.5:
                break
        return driver


@pytest.fixture(scope="module")
def bench():
    made = Bench()
    yield made
    made.new_driver()
    made.emulator.end()


class TestA1(RobotContract):
    real_time = True

    @pytest.fixture(autouse=True)
    def at_the_bench(self, bench):
        self.bench = bench

    def make_robot(self) -> A1:
        return self.bench.new_driver()

    @pytest.fixture
    def robot(self):
        return self.bench.connected()

    def last_sent(self, robot: A1) -> JointCommand:
        """What the robot still does after the driver let go; seen by the next one, before it commands."""
        robot.connect()
        return robot.sent()


@pytest.fixture
def a1(bench) -> A1:
    return bench.connected()


def test_accel_is_the_mean_of_all_readings_since_the_one_before(a1):
    clock, means = a1.clock, []
    for _ in range(16):
        a1.read()
        clock.sleep_until(clock.now() + 0.1)
        means.append(a1.read().accel[0])
    # One reading has 0.1 m/s^2 of noise; a mean over 50 of them has 0.014. The body may still be settling: second
    # differences (of sqrt(6) times the noise) do not see a slow turn, nor does their median see a jolt.
    noise = np.median(np.abs(np.diff(means, 2))) / (0.6745 * np.sqrt(6))
    assert noise < 0.05


def test_the_same_reading_twice_is_the_same_object(a1):
    first = a1.read()
    second = a1.read()
    assert second.seq > first.seq or second is first


def test_figures_of_the_servo(a1):
    statistics = a1.statistics()
    assert {
        "rate_hz",
        "late_p50_ms",
        "late_p99_ms",
        "late_max_ms",
        "missed",
        "dropped",
        "repeated",
        "unsent",
    } <= statistics.keys()
    assert statistics["states"] > 0 and statistics["late_p50_ms"] <= statistics["late_p99_ms"]


def await_stop(a1):
    until(lambda: a1.mode is Mode.DAMP, "the stop")


def test_a_stop_is_told_with_its_cause_and_reset_by_a_named_person(a1):
    a1.trip(Fault.EMERGENCY_STOP)
    await_stop(a1)
    assert a1.stopped == "DAMP: someone pressed stop"
    assert a1.fault_counts()[Fault.EMERGENCY_STOP] == 1
    with pytest.raises(RobotError, match="name of the person"):
        a1.reset("  ")
    assert a1.mode is Mode.DAMP
    a1.reset("Ada")
    assert a1.stopped == ""


def test_a_stop_outlasts_closing_and_connecting(a1):
    a1.trip(Fault.EMERGENCY_STOP)
    await_stop(a1)
    a1.close()
    a1.connect()
    assert a1.stopped == "DAMP: someone pressed stop"
    a1.reset("Ada")
    a1.close()
    a1.connect()
    assert a1.stopped == ""


def test_nobody_there_is_told_in_time():
    robot = A1("127.0.0.1", 9, local_port=0, patience=0.3, damp_time=0.0)  # port 9 discards, or is closed
    with pytest.raises(RobotAbsent, match=r"no A1 answers at 127\.0\.0\.1:9"):
        robot.connect()
    with pytest.raises(RobotError, match="not connected"):
        robot.read()


def test_a_network_that_is_not_there_yet_is_a_robot_that_is_not_there(monkeypatch):
    def unreachable(*_):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr("robots.a1.udp.socket.socket", lambda *_: Mock(connect=unreachable))
    with pytest.raises(RobotAbsent, match="Network is unreachable"):
        UdpLine("192.168.123.10", 8007, 8006)
    monkeypatch.setattr("robots.a1.servo.signal.signal", lambda *_: None)
    orders, reports = Mailbox(ORDER.itemsize), Mailbox(REPORT.itemsize)
    code = servo.main([ServoConfig().to_json(), str(orders.fd), str(reports.fd), "0"])
    process = StartedProcess.__new__(StartedProcess)
    process._process, process._errors = Mock(returncode=code), io.BytesIO(b"no UDP line")
    assert isinstance(process.failure("it did not start"), RobotAbsent)


def test_a_servo_that_cannot_start_says_why(a1):
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        robot = A1("127.0.0.1", 8007, local_port=taken.getsockname()[1])
        with pytest.raises(RobotError, match="Is another driver running"):
            robot.connect()


@pytest.mark.parametrize(
    "wrong",
    [{"hz": 5.0}, {"speed": 3}, {"safety": {"tlit": 1.0}}, {"error_clip": 0.0}, {"safety": {"tilt": -1.0}}],
)
def test_settings_that_cannot_be_are_told_before_anything_moves(wrong):
    with pytest.raises(RobotError):
        A1(**wrong)


def test_safety_figures_reach_the_driver():
    assert A1(safety={"state_hold": 0.3})._config.safety == SafetyConfig(state_hold=0.3)
