"""A process that was killed has damped nobody, whatever the system says of how it ended."""

import os
import signal
import socket

import pytest

from robots.a1.protocol import decode_command
from robots.a1.sdk import SdkProcess
from robots.a1.servo_config import ServoConfig
from robots.a1.servo_process import ServoProcess
from tests.awaiting import until


@pytest.fixture(params=["default", "ignored"])
def exit_codes(request):
    """With SIGCHLD ignored, as a program inherits it after ``trap '' CHLD``, the system keeps no exit codes."""
    handler = signal.SIG_IGN if request.param == "ignored" else signal.SIG_DFL
    before = signal.signal(signal.SIGCHLD, handler)
    yield request.param
    signal.signal(signal.SIGCHLD, before)


@pytest.fixture
def robot():
    """Its socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        yield made


@pytest.fixture
def servo(robot, monkeypatch):
    """It runs, and has spoken to the robot."""
    monkeypatch.setattr("robots.a1.servo_process.DAMP_FOR", 0.05)
    port = robot.getsockname()[1]
    process = ServoProcess(ServoConfig(host="127.0.0.1", port=port, local_port=0, damp_time=0.0))
    until(lambda: process.report() is not None)
    yield process
    process.free()


def packets(robot):
    found = []
    while True:
        try:
            found.append(decode_command(robot.recv(2048)))
        except BlockingIOError:
            return found


def test_in_the_place_of_a_servo_that_was_killed_we_damp(exit_codes, robot, servo, caplog):
    os.kill(servo.pid, signal.SIGKILL)
    until(lambda: not servo.running)
    packets(robot)
    servo.end()
    sent = packets(robot)
    assert sent and all(not low.kp.any() and (low.kd[:12] > 0).all() for low in sent)
    assert "ended without having damped: the robot was told to damp in its place" in caplog.text


def test_a_servo_that_has_damped_is_believed(exit_codes, robot, servo, caplog):
    os.kill(servo.pid, signal.SIGTERM)
    until(lambda: not servo.running)
    packets(robot)
    servo.end()
    servo.end()
    assert not packets(robot) and not caplog.records


MODULE = """
class RobotInterface:
    def send_command(self, motors): pass
    def receive_observation(self): return None
"""


@pytest.fixture
def bridge(tmp_path, monkeypatch):
    """Of the vendor's module, as far as it matters here; and how often somebody damped in its place."""
    (tmp_path / "vendors_module.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    damped = []
    monkeypatch.setattr("robots.a1.sdk.damp_instead", lambda *address: damped.append(address) or "so it was")
    yield SdkProcess("vendors_module", 60.0), damped


def test_in_the_place_of_a_vendors_module_that_was_killed_we_damp(exit_codes, bridge):
    process, damped = bridge
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: not process.running)
    process.end()
    assert len(damped) == 1


def test_a_vendors_module_that_has_damped_is_believed(exit_codes, bridge):
    process, damped = bridge
    process.end()
    process.end()
    assert not damped
