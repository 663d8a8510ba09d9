"""What the driver remembers of a stop, whatever becomes of its servo: a loop in this process, in time that is told."""

import contextlib
import threading
from dataclasses import replace

import pytest

from robots.a1.driver import A1
from robots.a1.emulated import EmulatedA1
from robots.a1.sdk import SdkA1
from robots.robot import JointCommand, RobotError, RobotStopped, StaleState
from robots.safety import latch
from robots.safety.faults import Fault
from robots.safety.modes import Mode
from tests.robots.a1.laboratory import INFO, Laboratory


@pytest.fixture
def lab(monkeypatch):
    made = Laboratory()
    monkeypatch.setattr("robots.a1.driver.ServoProcess", made.make)
    return made


@pytest.fixture
def robot(lab):
    made = A1("127.0.0.1", patience=0.5)
    made._clock, made._reports._now = lab.clock, lab.clock.now
    made.connect()
    return made


def push(robot):
    """Make it stiff."""
    robot.write(JointCommand.hold(INFO.stand_pos, INFO))
    assert robot.read().seq and robot.sent().kp.any() and robot.mode is Mode.NORMAL


def test_a_connection_that_fails_does_not_make_a_stop_forgotten(lab, robot):
    robot.trip(Fault.EMERGENCY_STOP)
    assert robot.mode is Mode.DAMP
    robot.close()
    lab.answers = False
    with pytest.raises(RobotError, match="no A1 answers"):
        robot.connect()
    lab.answers = True
    robot.connect()
    assert robot.stopped == "DAMP: someone pressed stop"
    robot.reset("Ada")
    robot.close()
    robot.connect()
    assert robot.stopped == ""


def test_a_stop_that_the_servo_died_of_before_it_read_it_holds_for_the_next_servo(lab, robot):
    push(robot)
    lab.hangs = True
    robot.trip(Fault.EMERGENCY_STOP)
    lab.dead = True
    robot.close()
    lab.dead = lab.hangs = False
    robot.connect()
    assert robot.mode is Mode.DAMP and len(lab.servos) == 2


@pytest.mark.parametrize("name", ["Ada", "Åsa Ångström", "é" * 100])
def test_who_resets_it_is_told_to_the_servo(lab, robot, name):
    robot.trip(Fault.EMERGENCY_STOP)
    robot.reset(name)
    told = lab.servos[0]._loop.operator
    assert told and name.startswith(told) and len(told) >= min(len(name), 30)


def test_a_worse_stop_is_not_hidden_by_a_milder_one_right_after_it(lab, robot):
    push(robot)
    robot.trip(Fault.SWITCHED_OFF)
    robot.trip(Fault.EMERGENCY_STOP)
    assert robot.mode is Mode.OFF
    robot.close()
    robot.connect()
    assert robot.mode is Mode.OFF, "the worse of the two is what is remembered"


def test_a_reset_that_the_servo_did_not_answer_is_not_granted_later_when_nobody_waits_for_it(lab, robot):
    push(robot)
    lab.clock.advance(0.3)
    assert robot.mode is Mode.HOLD
    lab.hangs = True
    with pytest.raises(RobotError, match="stays stopped"):
        robot.reset("Ada")
    lab.hangs = False
    for _ in range(10):
        assert robot.mode is Mode.HOLD
    robot.reset("Ada")
    assert robot.stopped == ""


def test_a_stop_pressed_while_a_reset_is_under_way_is_not_reset_by_it(lab, robot):
    robot.trip(Fault.EMERGENCY_STOP)
    assert robot.mode is Mode.DAMP

    def press():
        lab.on_report = lambda: None
        robot.trip(Fault.EMERGENCY_STOP)

    order = robot._servo.order
    robot._servo.order = lambda record: (order(record), setattr(lab, "on_report", press))[0]
    with pytest.raises(RobotError, match="stays in DAMP: someone pressed stop"):
        robot.reset("Ada")
    robot.close()
    robot.connect()
    assert robot.mode is Mode.DAMP


def test_of_a_servo_that_hung_is_told_what_became_of_the_robot(lab, robot):
    push(robot)
    lab.hangs = True
    lab.clock.advance(1.1)  # seen to hang for the first time
    with pytest.raises(StaleState, match=r"no word from the servo process of 'a1' for 1\.1"):
        robot.read()
    lab.clock.advance(0.3)
    with pytest.raises(
        RobotError, match=r"hung for 1\.4 s: it was killed, and nothing could be sent in its place\. close"
    ):
        robot.read()


@pytest.mark.parametrize(
    ("hangs", "told"), [(True, "no word from the servo process"), (False, "has been silent for 0.1")]
)
def test_who_fell_silent_is_told_from_the_moment_on_at_which_a_reading_is_too_old(lab, robot, hangs, told):
    push(robot)
    limit = robot._config.safety.state_hold
    lab.answers = False
    assert robot.read().seq  # of the tick before: the servo has spoken since
    lab.hangs = hangs
    lab.clock.advance(limit - 0.001)
    with pytest.raises(StaleState, match=told):
        robot.read()


@pytest.mark.parametrize("kind", [EmulatedA1, SdkA1])
def test_a_stop_on_disk_is_found_before_anything_is_started(lab, tmp_path, monkeypatch, kind):
    file = tmp_path / "a1.stop"
    latch.write(file, latch.Stop("a1", "someone pressed stop", "today", "ada"))
    for name in ("sdk.SdkProcess", "emulated.EmulatorProcess"):
        monkeypatch.setattr(f"robots.a1.{name}", None)
    with pytest.raises(RobotStopped, match="Look at the robot"):
        kind(latch=file).connect()
    assert not lab.servos


def test_a_stop_that_the_disk_does_not_take_is_told_with_what_follows(lab, robot):
    robot._config = replace(robot._config, latch="/state/a1.stop")
    robot.trip(Fault.EMERGENCY_STOP)
    assert robot.stopped == "DAMP: someone pressed stop"
    lab.servos[0]._loop.report["unkept"] = 1
    assert robot.stopped == (
        "DAMP: someone pressed stop. It could not be written to /state/a1.stop: a restart forgets it"
    )


def test_a_stop_before_there_is_a_servo_holds_once_there_is_one(lab, robot):
    robot.close()

    def press():
        with pytest.raises(RobotError, match="not connected"):
            robot.trip(Fault.EMERGENCY_STOP)

    lab.on_start = press
    robot.connect()
    assert robot.stopped == "DAMP: someone pressed stop"
    robot.reset("Ada")
    assert robot.stopped == ""


def test_a_stop_while_the_servo_damps_and_leaves_still_reaches_it_and_is_kept(lab, robot):
    push(robot)
    lab.on_end = lambda: robot.trip(Fault.EMERGENCY_STOP)
    robot.close()
    assert [stop.fault for stop in lab.servos[0]._loop.stops] == [Fault.EMERGENCY_STOP]


def asked_by_a_viewer(robot):
    """What the page shows, asked in a thread of its own: the one that takes a stop, too."""
    told = []

    def ask():
        with contextlib.suppress(RobotError):  # while there is no figure
            robot.statistics()
        told.append((robot.mode, robot.stopped, robot.estop))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(60)
    assert told and not thread.is_alive(), "it waits for the control loop"
    return told[0]


def test_what_viewers_ask_does_not_wait_for_a_reset(lab, robot):
    robot.trip(Fault.EMERGENCY_STOP)
    told = []
    lab.hangs = True
    lab.clock.meanwhile = lambda: told or told.append(asked_by_a_viewer(robot))
    with pytest.raises(RobotError, match="does not answer"):
        robot.reset("Ada")
    assert told == [(Mode.NORMAL, "", "none")], "of the last report, before the stop"


def test_what_viewers_ask_does_not_wait_for_a_connection_or_its_end(lab, robot):
    told = []
    lab.on_end = lambda: told.append(asked_by_a_viewer(robot)[0])
    robot.close()
    lab.answers = False
    lab.clock.meanwhile = lambda: told[1:] or told.append(asked_by_a_viewer(robot)[0])
    with pytest.raises(RobotError, match="no A1 answers"):
        robot.connect()
    assert told[:2] == [Mode.NORMAL, Mode.NORMAL]
    assert (robot.mode, robot.stopped, robot.estop) == (Mode.OFF, "OFF: not connected", "none")
    with pytest.raises(RobotError, match="not connected"):
        robot.statistics()
