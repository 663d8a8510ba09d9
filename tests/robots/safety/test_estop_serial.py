"""The stop box's port: a real pseudo-terminal, whose other end is the box."""

import os
import select
import sys

import pytest

from robots.a1.emulated_box import EmulatedBox
from robots.clock import ManualClock
from robots.robot import RobotError
from robots.safety import estop_serial
from robots.safety.estop import EstopState, heartbeat
from robots.safety.estop_serial import StopBox
from robots.safety.faults import Fault

pytest.importorskip("serial")


@pytest.fixture
def cable():
    made = EmulatedBox()
    yield made
    made.unplug()


@pytest.fixture
def box(cable):
    made = StopBox(cable.port, now=10.0)
    cable.beat(3)
    while made.estop.waiting:
        heard(made, 10.0)
    yield made
    made.close()


def heard(box, now):
    """What was said has come; the system takes a moment to carry it through the terminal."""
    assert select.select([box._serial.fd], [], [], 60.0)[0]
    box.poll(now)


def found(box, now):
    box.poll(now)
    return [finding.fault for finding in box.estop.look(now)]


def found_when_heard(box, now):
    while not found(box, now):
        heard(box, now)
    return found(box, now)


def test_the_figures(box):
    assert (estop_serial.AT_ONCE, estop_serial.PATIENCE, estop_serial.POLL) == (512, 5.0, 0.005)
    assert box._serial.baudrate == 115200 and box._serial.timeout == 0


def test_it_hears_the_box(box, cable):
    assert box.estop.state is EstopState.READY
    assert found(box, 10.1) == []
    cable.press()
    assert found_when_heard(box, 10.1) == [Fault.STOP_BUTTON]


def test_a_quiet_port_is_not_waited_for(box):
    for _ in range(100):
        box.poll(10.01)
    assert found(box, 10.02) == []


def test_unplugged_stops(box, cable):
    cable.unplug()
    assert found_when_heard(box, 10.01) == [Fault.STOP_BOX_UNPLUGGED]
    assert found(box, 10.02) == [Fault.STOP_BOX_UNPLUGGED], "and is not read again"


def test_silence_stops(box, cable):
    assert found(box, 10.21) == [Fault.STOP_BOX_SILENT]
    cable.beat(1)
    heard(box, 10.22)
    assert found(box, 10.22) == [Fault.STOP_BOX_SILENT], "back, but nobody has reset it"
    box.estop.forgive("Ada", 10.22)
    assert found(box, 10.22) == []


def test_garbage_stops(box, cable):
    cable.say(b"\x00\xf8garbage\n")
    assert found_when_heard(box, 10.01) == [Fault.STOP_BOX_SENSELESS]


def test_the_bytes_of_a_wrong_baud_rate_stop(box, cable):
    # Sent at half the rate, every bit is read twice: the eight bits seen are the start bit and the first
    # data bits, doubled, and the rest of the byte comes as a second one.
    cable.say(b"".join(bytes((doubled(byte), doubled(byte >> 3))) for byte in heartbeat(9, False) * 3))
    assert found_when_heard(box, 10.01) == [Fault.STOP_BOX_SENSELESS]


def test_a_stuck_heartbeat_stops(box, cable):
    for tick in range(12):
        cable.say(heartbeat(2, False))
        heard(box, 10.0 + 0.02 * tick)
    assert found(box, 10.24) == [Fault.STOP_BOX_SILENT]


def test_a_burst_after_a_long_sleep_of_ours_is_a_sign_of_life(box, cable):
    cable.beat(40)  # 0.8 s of heartbeats wait in the port
    heard(box, 10.8)
    assert found(box, 10.8) == []


def test_ready_is_waited_for_on_a_clock(cable):
    clock = Beating(cable)
    box = StopBox(cable.port, clock.now())
    box.await_ready(clock)
    assert box.estop.state is EstopState.READY and clock.now() < 105.0
    box.close()


def test_a_button_pressed_from_the_beginning_ends_the_wait(cable):
    clock = ManualClock(100.0)
    box = StopBox(cable.port, clock.now())
    cable.press()
    heard(box, 100.0)
    box.await_ready(clock)
    assert box.estop.state is EstopState.PRESSED and clock.now() == 100.0
    cable.press(False)
    heard(box, 100.1)
    box.estop.forgive("Ada", 100.1)  # whoever waited has seen the press
    assert box.estop.state is EstopState.READY
    box.close()


def test_a_port_without_a_box_is_told_in_time(cable):
    clock = ManualClock(100.0)
    box = StopBox(cable.port, clock.now())
    with pytest.raises(
        RobotError, match=r"no heartbeat of a stop box on .* within 5 s, so no motor is started"
    ):
        box.await_ready(clock)
    assert 105.0 < clock.now() < 105.1
    box.close()
    box.close()


def test_without_patience_it_is_looked_at_once_more(cable):
    clock = ManualClock(100.0)
    box = StopBox(cable.port, clock.now())
    with pytest.raises(RobotError, match="within 0 s"):
        box.await_ready(clock, patience=0.0)
    assert clock.now() == 100.0 + estop_serial.POLL
    box.close()


def test_a_port_that_is_not_there():
    with pytest.raises(
        RobotError, match=r"/dev/ttyNONE cannot be opened.*: No such file or directory\. Is the box"
    ):
        StopBox("/dev/ttyNONE", 0.0)


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "port").write_text("")
    with pytest.raises(RobotError, match="cannot be opened, so no motor is started"):
        StopBox(str(tmp_path / "port"), 0.0)


def test_a_port_is_for_one_program(box, cable):
    with pytest.raises(RobotError, match="does no other program have it"):
        StopBox(cable.port, 0.0)


def test_without_pyserial_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)
    with pytest.raises(RobotError, match=r"needs pyserial.*pip install '\.\[serial\]'"):
        StopBox("/dev/ttyUSB0", 0.0)


def test_a_free_port_can_be_opened_again(cable):
    for _ in range(2):
        box = StopBox(cable.port, 0.0)
        box.close()
    assert os.path.exists(cable.port)


def doubled(byte: int) -> int:
    """The eight bits that a receiver of twice the speed reads of ``byte``'s first half."""
    bits = [0] + [byte >> place & 1 for place in range(8)]  # the start bit first
    return sum(bits[(place + 2) // 2] << place for place in range(8))


class Beating(ManualClock):
    """A clock that makes a box beat while one sleeps by it, and gives the system a moment to carry that."""

    def __init__(self, cable):
        super().__init__(100.0)
        self.cable = cable

    def sleep_until(self, deadline):
        super().sleep_until(deadline)
        self.cable.beat()
        select.select([], [], [], 0.001)
