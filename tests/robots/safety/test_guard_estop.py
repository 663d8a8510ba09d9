"""A guarded robot with a stop box on a pseudo-terminal: the stand-in's way, without a servo process."""

import pytest

from robots.clock import ManualClock
from robots.robot import RobotError
from robots.safety.estop import heartbeat
from robots.safety.estop_serial import StopBox
from robots.safety.faults import Fault
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode
from tests.robots.safety.guarded import PERFECT, Unreliable, damps, found, stand, wait

pytest.importorskip("serial")


class Port:
    """In place of pyserial's: what the box has said since it was read last. None: unplugged."""

    def __init__(self):
        self.said: bytes | None = b""
        self.closed = 0

    def read(self, size):
        if self.said is None:
            raise OSError(5, "Input/output error")
        data, self.said = self.said[:size], self.said[size:]
        return data

    def close(self):
        self.closed += 1
        if self.said is None:
            raise OSError(5, "Input/output error")


class Wall(ManualClock):
    """Time of the box, which beats in it, whatever the robot's own clock says."""

    def __init__(self, port):
        super().__init__(1000.0)
        self.port, self.counter, self.pressed = port, 0, False

    def sleep_until(self, deadline):
        self.beat(deadline - self.now())

    def beat(self, seconds=0.02):
        self.advance(seconds)
        self.port.said += heartbeat(self.counter, self.pressed)
        self.counter += 1


@pytest.fixture
def port(monkeypatch):
    made = Port()
    monkeypatch.setattr("robots.safety.estop_serial._open", lambda name: made)
    return made


@pytest.fixture
def wall(port):
    return Wall(port)


@pytest.fixture
def robot():
    return Unreliable()


@pytest.fixture
def guard(robot, wall):
    with SafetyGuard(robot, PERFECT, "/dev/ttyUSB0", wall) as guard:
        wait(guard)
        guard.read()
        stand(guard)
        yield guard


def test_without_a_box_there_is_none():
    assert SafetyGuard(Unreliable(), PERFECT).estop == "none"


def test_while_it_beats_the_robot_obeys(guard, wall):
    for _ in range(20):
        wall.beat()
        stand(guard)
    assert (guard.mode, guard.estop, guard.stopped) == (Mode.NORMAL, "ready", "")


def test_a_press_damps_and_is_told(guard, wall):
    wall.pressed = True
    wall.beat()
    assert damps(stand(guard))
    assert guard.estop == "pressed" and found(guard) == [Fault.STOP_BUTTON]
    assert guard.stopped == "DAMP: the stop button is pressed. A reset is granted: when it is released."


def test_a_press_is_seen_by_a_watching_tick_and_by_a_reading(guard, wall):
    wall.pressed = True
    wall.beat()
    guard.tick()
    assert guard.mode is Mode.DAMP


def test_a_reset_is_granted_when_the_button_is_released(guard, wall):
    wall.pressed = True
    wall.beat()
    guard.tick()
    with pytest.raises(RobotError, match="stays in DAMP: the stop button is pressed"):
        guard.reset("Ada")
    wall.pressed = False
    wall.beat()
    guard.tick()
    assert guard.mode is Mode.DAMP, "released, not reset"
    guard.reset("Ada")
    assert (guard.mode, guard.estop) == (Mode.NORMAL, "ready")
    wall.beat()
    assert not damps(stand(guard))


def test_silence_is_judged_by_wall_time_and_not_by_the_robots(guard, wall):
    for _ in range(10):
        stand(guard)
    assert guard.mode is Mode.NORMAL, "the simulator hurried on; the box did not miss a beat"
    wall.advance(0.25)
    guard.tick()
    assert found(guard) == [Fault.STOP_BOX_SILENT] and guard.estop == "lost"


def test_unplugged_damps(guard, port):
    port.said = None
    guard.read()
    assert guard.mode is Mode.DAMP and found(guard) == [Fault.STOP_BOX_UNPLUGGED]
    assert port.closed == 1


def test_a_failed_write_tells_of_the_button_once(guard, wall, robot):
    wall.pressed = True
    wall.beat()
    robot.failing = 1
    guard.tick()
    assert sorted(fault.value for fault in found(guard)) == ["stop_button", "write_failed"]


def test_a_box_that_is_not_heard_keeps_the_robot_unconnected(robot, wall, port):
    class Mute(ManualClock):
        pass

    guard = SafetyGuard(robot, PERFECT, "/dev/ttyUSB0", Mute(5.0))
    with pytest.raises(RobotError, match="no heartbeat of a stop box on /dev/ttyUSB0"):
        guard.connect()
    assert port.closed == 1 and guard.estop == "none"
    with pytest.raises(RobotError, match="not connected"):
        guard.read()


def test_a_robot_that_is_not_there_leaves_the_box_for_the_next_try(robot, wall, port, monkeypatch):
    guard = SafetyGuard(robot, PERFECT, "/dev/ttyUSB0", wall)
    monkeypatch.setattr(robot, "connect", lambda: (_ for _ in ()).throw(RobotError("no robot")))
    with pytest.raises(RobotError, match="no robot"):
        guard.connect()
    guard.close()
    assert port.closed == 1


def test_closing_frees_the_port_and_connecting_hears_the_box_again(guard, wall, port):
    guard.connect()
    assert port.closed == 0
    guard.close()
    guard.close()
    assert port.closed == 1 and guard.estop == "none"
    guard.connect()
    assert guard.estop == "ready" and isinstance(guard._box, StopBox)
