"""What the doctor says of a robot that is there, half there, and not there."""

import contextlib
import json
import socket
import threading

import numpy as np
import pytest

from daydreamer.cli.main import main
from daydreamer.doctor import robot
from daydreamer.doctor.check import Level
from robots.a1 import model, wire
from robots.a1.protocol import LowState, decode_command, encode_state
from robots.registry import make
from robots.robot import RobotError
from robots.safety import latch


@pytest.fixture(autouse=True)
def in_short_and_with_no_stop_of_before(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(robot, "PACKETS", 25)  # a quarter of a second is enough here


def a_state(**changes) -> bytes:
    pos = np.zeros(wire.SLOTS)
    pos[: wire.MOTORS] = model.info(simulated=False).stand_pos
    nothing = np.zeros(wire.SLOTS)
    values = {
        "quat_wxyz": np.array([1.0, 0, 0, 0]), "gyro": np.zeros(3), "accel": np.array([0, 0, 9.8]), "rpy": np.zeros(3),
        "mode": nothing, "pos": pos, "vel": nothing, "acc": nothing, "torque": nothing,
        "temperature": nothing + 30, "foot_force": np.array([21.0, 22, 23, 24]),
    }  # fmt: skip
    return encode_state(LowState(**{**values, **changes}))


@contextlib.contextmanager
def an_a1(state: bytes, every: int = 1):
    """A port where every so many commands are answered, and the commands that came."""
    commands: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", 0))
        line.settimeout(0.05)
        ended = threading.Event()

        def serve():
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    packet, client = line.recvfrom(2048)
                    commands.append(packet)
                    if len(commands) % every == 0:
                        line.sendto(state, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield line.getsockname()[1], commands
        ended.set()
        thread.join()


def by_name(checks):
    return {check.name: check for check in checks}


def test_a_robot_that_answers_is_read_and_asked_for_nothing_but_damping():
    with an_a1(a_state()) as (port, commands):
        found = by_name(robot.checks("a1", "127.0.0.1", port))
    assert found["network"].level is Level.OK
    assert "of 25 packets answered" in found["answer"].found
    assert found["sensors"].level is Level.OK and "upright, gravity 9.8" in found["sensors"].found
    for packet in commands:
        low = decode_command(packet)
        assert not low.kp.any() and not low.torque.any() and (low.kd[: wire.MOTORS] > 0).all()


def test_a_robot_that_answers_seldom_is_noted():
    with an_a1(a_state(), every=3) as (port, _):
        assert by_name(robot.checks("a1", "127.0.0.1", port))["answer"].level is Level.NOTE


def test_a_hot_motor_and_an_odd_angle_are_told():
    pos, warm = np.zeros(wire.SLOTS), np.full(wire.SLOTS, 55.0)
    with an_a1(a_state(pos=pos, temperature=warm)) as (port, _):
        check = by_name(robot.checks("a1", "127.0.0.1", port))["sensors"]
    assert check.level is Level.NOTE and "warm" in check.found and "calf" in check.found


def test_silence_says_what_to_try():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        check = by_name(robot.checks("a1", "127.0.0.1", deaf.getsockname()[1]))["answer"]
    assert check.level is Level.PROBLEM and "low-level mode" in check.do and "ping 127.0.0.1" in check.do


def test_a_port_where_nobody_listens_is_told_apart_from_silence():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    check = by_name(robot.checks("a1", "127.0.0.1", port))["answer"]
    assert check.level is Level.PROBLEM and "nobody listens" in check.found and "emulate a1" in check.do


def test_a_robot_on_another_network_is_not_spoken_to():
    found = by_name(robot.checks("a1", "203.0.113.10", None))  # an address that no network has (RFC 5737)
    assert "answer" not in found
    assert found["network"].level is Level.PROBLEM
    assert "ip address add 203.0.113.162/24" in found["network"].do


def test_a_stop_that_waits_for_a_person_is_a_problem():
    latch.write(make("a1-sdk").latch_file, latch.Stop("a1", "someone pressed stop", "today", "Ada"))
    found = by_name(robot.checks("a1-sdk", None, None))
    assert found["stop"].level is Level.PROBLEM and "someone pressed stop" in found["stop"].found


def test_an_absent_module_of_the_vendor_says_what_to_build():
    check = by_name(robot.checks("a1-sdk", None, None))["module"]
    assert check.level is Level.PROBLEM and "v3.2 to v3.3.4" in check.do


def test_an_unknown_robot_is_an_error_with_a_suggestion():
    with pytest.raises(RobotError, match="Did you mean 'a1-sim'"):
        robot.checks("a1-smi", None, None)


def test_the_exit_code_tells_a_problem_and_json_has_it_all(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["doctor", "--robot", "fake", "--keys", str(tmp_path / "none"), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert stop.value.code == 2
    assert report["can"]["run an actor"] is True
    problems = {(check["group"], check["name"]) for check in report["checks"] if check["level"] == "problem"}
    assert problems == {("keys", "directory")}


def test_it_sees_an_emulated_a1(monkeypatch):
    """A computer that is busy elsewhere is given 80 ms for an answer, in place of 8."""
    pytest.importorskip("pybullet")
    monkeypatch.setattr(robot, "PERIOD", 0.1)
    monkeypatch.setattr(robot, "PACKETS", 10)
    from robots.a1.emulator_process import EmulatorConfig, EmulatorProcess

    emulator = EmulatorProcess(EmulatorConfig(port=0, start="belly"), patience=60.0)
    try:
        for _ in range(40):  # and they may all be late, still
            found = by_name(robot.checks("a1", *emulator.address))
            if found["answer"].level is Level.OK:
                break
    finally:
        emulator.end()
    assert found["answer"].level is Level.OK
    assert "upright, gravity 9." in found["sensors"].found
