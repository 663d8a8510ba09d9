"""The servo around its loop: whatever ends it, the last packets damp. No process of its own, and no waiting."""

import os
import signal
import socket
import sys

import numpy as np
import pytest

from robots.a1 import model, wire
from robots.a1.emulated import EmulatedA1
from robots.a1.mailbox import Mailbox
from robots.a1.parent import Parent
from robots.a1.protocol import LowState, decode_command, encode_state
from robots.a1.realtime import Granted
from robots.a1.records import ORDER, REPORT, blank, parse
from robots.a1.servo import Servo
from robots.a1.servo_config import LAST_PACKETS, ServoConfig
from robots.a1.servo_process import ServoProcess, damp_instead
from robots.a1.udp import UdpLine
from robots.clock import ManualClock, MonotonicClock
from robots.robot import RobotError
from robots.safety.modes import Mode
from tests.awaiting import until

INFO = model.info(simulated=False)


class Surroundings:
    """A socket in place of the robot, and the driver's sides of the mailboxes."""

    def __init__(self):
        self.robot = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.robot.bind(("127.0.0.1", 0))
        self.robot.setblocking(False)
        self.orders, self.reports = Mailbox(ORDER.itemsize), Mailbox(REPORT.itemsize)
        config = ServoConfig(host="127.0.0.1", port=self.robot.getsockname()[1], local_port=0, damp_time=0.02)
        sides = (
            Mailbox(ORDER.itemsize, os.dup(self.orders.fd)),
            Mailbox(REPORT.itemsize, os.dup(self.reports.fd)),
        )
        self.servo = Servo(config, *sides, parent=os.getppid(), clock=ManualClock(50.0))

    def packets(self):
        found = []
        while True:
            try:
                found.append(decode_command(self.robot.recv(2048)))
            except BlockingIOError:
                return found


@pytest.fixture
def around():
    made = Surroundings()
    yield made
    made.robot.close()


def test_ordered_to_close_it_damps_for_its_ticks_then_a_few_more_and_is_gone(around):
    order = blank(ORDER)
    order["close"] = 1
    around.orders.post(order.tobytes())
    around.servo.run(Granted(False, True))
    packets = around.packets()
    assert len(packets) == 10 + LAST_PACKETS  # 0.02 s at 500 Hz
    assert not any(packet.kp.any() for packet in packets)
    assert all((packet.kd[:12] > 0).all() for packet in packets)
    report = parse(REPORT, around.reports.take().content)
    assert (report["ticks"], report["realtime"], report["locked"]) == (10, 0, 1)
    assert report["now"] - report["began"] == pytest.approx(10 * 0.002)
    assert report["damped"] == 1


def test_that_it_has_damped_is_told_when_it_has_and_before_the_disk_is_waited_for(around):
    order, told = blank(ORDER), []
    order["close"] = 1
    around.orders.post(order.tobytes())

    class Disk:
        owes = False

        def close(self):
            told.append((parse(REPORT, around.reports.take().content)["damped"], len(around.packets())))
            return True

    around.servo._keeper = Disk()
    post = around.servo._post
    around.servo._post = lambda ticks: (told.append(int(around.servo.loop.report["damped"])), post(ticks))
    around.servo.run(Granted(False, False))
    assert told == [*[0] * 10, 1, (1, 10 + LAST_PACKETS)]


def test_an_error_of_our_own_leaves_the_robot_damped_and_is_not_hidden(around, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(around.servo.loop, "step", broken)
    with pytest.raises(ZeroDivisionError):
        around.servo.run(Granted(True, True))
    packets = around.packets()
    assert len(packets) == LAST_PACKETS
    assert not any(packet.kp.any() or packet.torque.any() for packet in packets)
    assert parse(REPORT, around.reports.take().content)["damped"] == 1


def test_a_late_tick_takes_all_that_has_come_so_that_no_joint_seems_to_leap(around):
    """A robot that streams: the states of 60 ms wait, in which a joint turns at 7.5 rad/s."""
    servo, clock = around.servo, around.servo._clock
    servo.loop.hear(turning(0.0), clock.now())
    servo.loop.step(clock.now())
    clock.advance(0.058)
    for tick in range(1, 31):
        around.robot.sendto(turning(0.002 * tick), ("127.0.0.1", servo._line._socket.getsockname()[1]))
    order = blank(ORDER)
    order["close"] = 1
    around.orders.post(order.tobytes())
    servo.run(Granted(False, False))
    report = parse(REPORT, around.reports.take().content)
    assert report["state"]["seq"] == 31 and report["state"]["time"] == pytest.approx(50.06)
    assert report["state"]["joint_pos"][1] == pytest.approx(INFO.stand_pos[1] + 7.5 * 0.06, abs=1e-3)
    assert not report["faults"].any() and report["mode"] == Mode.NORMAL


def turning(time):
    """The state of a robot of which a thigh turns at 7.5 rad/s, after ``time`` [s] of it."""
    slots, noise = np.zeros(wire.SLOTS), np.full(3, time)  # an IMU never repeats itself
    pos, vel = slots.copy(), slots.copy()
    pos[:12], pos[1], vel[1] = INFO.stand_pos, INFO.stand_pos[1] + 7.5 * time, 7.5
    rest = (slots, pos, vel, slots, slots, slots + 30.0, np.full(4, 30.0))
    up, gravity = np.array([1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 9.81])
    return encode_state(LowState(up, noise, gravity + noise, np.zeros(3), *rest))


def test_without_its_parent_it_ends_by_itself(around):
    around.servo._parent = Parent(-1)
    around.servo.run(Granted(False, False))
    assert around.servo.loop.done
    assert not any(packet.kp.any() for packet in around.packets())


def test_what_was_not_granted_is_said_with_what_to_do():
    assert Granted(True, True).missing == ""
    assert "rtprio" in Granted(False, True).missing and "memlock" not in Granted(False, True).missing
    assert "memlock" in Granted(True, False).missing


def test_a_line_to_nobody_counts_and_goes_on():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    line = UdpLine("127.0.0.1", port, 0)
    for _ in range(5):
        line.send(b"x")
        assert line.receive() == []
    line.close()
    line.send(b"x")  # closed: counted as well
    assert line.unsent >= 1


def test_a_servo_that_does_not_leave_is_made_to(monkeypatch):
    monkeypatch.setattr("robots.a1.servo_process.PATIENCE", 0.1)
    monkeypatch.setattr("robots.a1.servo_process.DAMP_FOR", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as robot:
        robot.bind(("127.0.0.1", 0))
        robot.setblocking(False)
        port = robot.getsockname()[1]
        process = ServoProcess(ServoConfig(host="127.0.0.1", port=port, local_port=0, damp_time=0.0))
        os.kill(process.pid, signal.SIGSTOP)
        clock = MonotonicClock()
        begun = clock.now()
        process.end()
        assert clock.now() - begun < 10.0, "it was not waited for: 1 s without other programs"
        until(lambda: not process.running, "it is gone")
        last = [decode_command(robot.recv(2048)) for _ in range(LAST_PACKETS)]
    assert all(not low.kp.any() and (low.kd[:12] > 0).all() for low in last), "it could not damp: we do"
    process.end()
    process.free()
    process.free()


def test_what_a_servo_says_when_it_leaves_is_logged(monkeypatch, caplog):
    says = """if True:
        import sys
        from robots.a1.mailbox import Mailbox
        from robots.a1.records import REPORT, blank
        report = blank(REPORT)
        report["damped"] = 1
        Mailbox(REPORT.itemsize, int(sys.argv[3])).post(report.tobytes())
        sys.stderr.write('it began\\nthe stop could not be written\\n')"""
    monkeypatch.setattr(
        "robots.a1.servo_process.program", lambda module, *words: [sys.executable, "-c", says, *words]
    )
    monkeypatch.setattr("robots.a1.servo_process.PATIENCE", 60.0)  # time to begin
    process = ServoProcess(ServoConfig())
    process.end()
    process.free()
    assert [record.getMessage() for record in caplog.records] == [
        "the servo process said before it ended: the stop could not be written"
    ]


@pytest.fixture
def taken(monkeypatch):
    """A port of ours that another process holds."""
    monkeypatch.setattr("robots.a1.servo_process.DAMP_FOR", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("", 0))
        yield holder


class Stalls(ManualClock):
    """Of a computer that stands still between any two looks at it."""

    def now(self):
        self.advance(60.0)
        return super().now()


def test_in_the_place_of_a_servo_damping_is_sent_though_its_time_is_over_before_it_begins(
    around, monkeypatch
):
    monkeypatch.setattr("robots.a1.servo_process.MonotonicClock", Stalls)
    told = damp_instead(*around.robot.getsockname(), 0)
    packets = around.packets()
    assert told == "the robot was told to damp in its place" and len(packets) == LAST_PACKETS
    assert all(not low.kp.any() and (low.kd[:12] > 0).all() for low in packets)


def test_where_nothing_could_be_sent_a_person_is_told_so(taken):
    told = damp_instead("127.0.0.1", 9, taken.getsockname()[1])
    assert told.startswith("nothing could be sent in its place: use the robot's remote (L2 and B)")
    assert "Is another driver running" in told


def test_a_line_that_takes_no_packet_is_told_too(taken, monkeypatch):
    def refuse(line, packet):
        line.unsent += 1

    monkeypatch.setattr(UdpLine, "send", refuse)
    assert "the system took no packet to 127.0.0.1:9" in damp_instead("127.0.0.1", 9, 0)


def test_a_port_that_is_still_taken_by_the_one_that_was_killed_is_waited_for(taken, monkeypatch):
    def dies_meanwhile(*address):
        try:
            return UdpLine(*address)
        except RobotError:
            taken.close()
            raise

    monkeypatch.setattr("robots.a1.servo_process.UdpLine", dies_meanwhile)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as robot:
        robot.bind(("127.0.0.1", 0))
        robot.setblocking(False)
        told = damp_instead(*robot.getsockname(), taken.getsockname()[1])
        assert told == "the robot was told to damp in its place"
        assert not decode_command(robot.recv(2048)).kp.any()


def test_an_emulated_a1_has_no_address_to_choose():
    with pytest.raises(RobotError, match="use 'a1' with its host and port"):
        EmulatedA1(host="192.168.123.10")
    with pytest.raises(RobotError, match="no such setting of an emulated A1: lag"):
        EmulatedA1(emulator={"lag": 1})
