"""Bring-up tests, in the order of their numbers, on the robot that ``DAYDREAMER_A1=HOST:PORT`` names.

Without it they run against an emulated A1, over real UDP, with the same code. On a robot: hang it up or lay it on its
belly, keep the stop button in hand, and run one file after the other:

    DAYDREAMER_A1=192.168.123.10:8007 DAYDREAMER_ESTOP=/dev/ttyUSB0 pytest tests/hardware/1_connect_test.py

There a stop is kept until a person resets it (``daydreamer robot reset``), the stop box is heard at the port that
``DAYDREAMER_ESTOP`` names, and the first failure ends them all: nothing makes the robot stand again by itself.
"""

from __future__ import annotations

import os

import pytest

from robots.a1.driver import A1
from robots.a1.emulated import SOFT_STOPS
from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess
from robots.safety.faults import Fault
from robots.safety.modes import Mode

# An emulated robot, its servo and the test share a computer: commands and states may be later there than a real
# robot's should be, as in the preset a1-emulated.
PATIENT = {**SOFT_STOPS, "command_hold": 1.0, "command_damp": 3.0, "state_hold": 1.0, "state_damp": 3.0}

REAL = os.environ.get("DAYDREAMER_A1", "")
ESTOP = os.environ.get("DAYDREAMER_ESTOP", "")
HERE = os.path.dirname(__file__)
_emulated: list[EmulatorProcess] = []


def pytest_collection_modifyitems(items):
    for item in items:
        if REAL and str(item.path).startswith(HERE):
            item.add_marker(pytest.mark.hardware)


def pytest_exception_interact(node):
    """A person looks at a real robot before any other test moves it."""
    if REAL and str(node.path).startswith(HERE):
        node.session.shouldstop = f"{node.name} failed: look at the robot before anything else is tried"


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem):
    """The emulated robot, which runs in real time, ends with the last of these tests."""
    if nextitem is None or not str(nextitem.path).startswith(HERE):
        while _emulated:
            _emulated.pop().end()


@pytest.fixture(scope="session")
def address():
    """Of the robot. An emulated one lives from one of these tests to the next, as a real one does."""
    if REAL:
        host, _, port = REAL.partition(":")
        return host, int(port or 8007)
    pytest.importorskip("pybullet")
    _emulated.append(EmulatorProcess(EmulatorConfig(port=0, start="belly")))
    return _emulated[0].address


@pytest.fixture
def make(address):
    """``make()`` describes a driver for that robot; closed at the end, whatever the test did."""
    made = []

    def driver(**options) -> A1:
        usual = {"local_port": 0, "safety": PATIENT}
        if REAL:
            usual = {"local_port": 8080, "latch": True, "estop": ESTOP}
        robot = A1(*address, **{**usual, **options})
        made.append(robot)
        return robot

    yield driver
    for robot in made:
        robot.close()


@pytest.fixture
def a1(make):
    """Connected and passive."""
    robot = make()
    robot.connect()
    return robot


@pytest.fixture
def undo(a1):
    """``undo(*faults)`` resets what the test did itself to stop the robot. Whatever else stopped a real one stays."""

    def undo(*made: Fault):
        stops = {fault for fault in a1.fault_counts() if fault.mode is not Mode.NORMAL}
        others = sorted(fault.name for fault in stops - {*made}) if REAL else []
        assert not others, f"not stopped by this test alone, and not reset: {', '.join(others)}"
        a1.reset("the tests")

    return undo


@pytest.fixture
def wait(a1):
    """``wait(seconds)`` of the robot's clock."""
    return lambda seconds: a1.clock.sleep_until(a1.clock.now() + seconds)


@pytest.fixture
def until(a1):
    """``until(condition)`` looks 500 times a second, and gives up after so many seconds."""

    def until(condition, within=60.0):
        deadline = a1.clock.now() + within
        while not condition():
            assert a1.clock.now() < deadline, f"not within {within} s"
            a1.clock.sleep_until(a1.clock.now() + 0.002)

    return until
