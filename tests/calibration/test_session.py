"""A way out at every tick: a stop lays a robot that stands down, and whatever is quicker than that damps it at once."""

import numpy as np
import pytest

from calibration import order
from calibration.rigs import HandRig, SimRig
from calibration.session import POSES, CalibrationStopped, Session
from robots.a1.stand import MOTIONS
from robots.robot import RobotError
from robots.safety.faults import Fault
from tests.calibration.fake_rig import FakeRig


def standing(session):
    session.place("belly")
    session.stand()
    session.move(session.info.stand_pos, 3.0)
    session.lie()
    raise AssertionError("it went on")


def at(monkeypatch, rig, time, act):
    """Do ``act`` when the robot's clock is at ``time`` s, which is in the middle of something."""
    clock, acts = rig.robot.clock, [act]
    sleep = clock.sleep_until

    def sleep_until(deadline):
        sleep(deadline)
        if acts and clock.now() >= time:
            acts.pop()()

    monkeypatch.setattr(clock, "sleep_until", sleep_until)


# 0.2 s damped, 2.5 s standing up, 3 s standing, 1.7 s lying down; and in the middle of each of the last three.
GETS_UP, STANDS, LIES_DOWN = 1.7, 4.0, 6.5
FOLDED = MOTIONS["lie"][-1].pos


def sent(monkeypatch, time, act, why=(), ends=CalibrationStopped):
    """What was sent to a robot that is measured standing while ``act`` happens at ``time``, and how often before."""
    rig, before = FakeRig(), []
    at(monkeypatch, rig, time, lambda: (before.append(len(rig.robot.commands)), act(rig)))
    session = Session(rig, stop=lambda: why[0] if why else None)
    with pytest.raises(ends), session.ending_damped():
        standing(session)
    return list(rig.robot.commands), before[0]


def is_stiff(command):
    return bool(command.kp.any())


@pytest.mark.parametrize("time", [GETS_UP, STANDS, LIES_DOWN])
def test_a_stop_lays_a_standing_robot_down_before_it_damps(monkeypatch, time):
    why = []
    commands, before = sent(monkeypatch, time, lambda rig: why.append("Ctrl-C"), why)
    *_, last = filter(is_stiff, commands)
    np.testing.assert_allclose(last.pos, FOLDED)
    assert not is_stiff(commands[-1]) and (commands[-1].kd > 0).all()
    down = [is_stiff(command) for command in commands[before:]]
    assert sum(down) <= 20 * 1.7 + 1 and down == sorted(down, reverse=True), "once, and nothing in between"


def pressed(rig):
    """The stop button."""
    rig.guard.trip(Fault.STOP_BUTTON)


def again(rig):
    """Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("time", [GETS_UP, STANDS, LIES_DOWN])
@pytest.mark.parametrize(("act", "ends"), [(pressed, RobotError), (again, KeyboardInterrupt)])
def test_a_stop_button_and_ctrl_c_pressed_again_damp_at_once(monkeypatch, time, act, ends):
    commands, before = sent(monkeypatch, time, act, ends=ends)
    assert commands[before:] and not any(map(is_stiff, commands[before:]))


@pytest.mark.parametrize("act", [pressed, again])
def test_while_a_stop_lays_the_robot_down_it_can_be_stopped_at_once(monkeypatch, act):
    why, before = [], []

    def stop(rig):
        why.append("SIGTERM")
        at(monkeypatch, rig, STANDS + 1.0, lambda: (before.append(len(rig.robot.commands)), act(rig)))

    commands, _ = sent(monkeypatch, STANDS, stop, why, (RobotError, KeyboardInterrupt))
    assert any(map(is_stiff, commands[before[0] - 5 : before[0]])), "it was on its way down"
    assert commands[before[0] :] and not any(map(is_stiff, commands[before[0] :]))


def test_a_robot_that_does_not_stand_is_damped_at_once():
    rig, why = FakeRig(), []
    session = Session(rig, stop=lambda: why[0] if why else None)
    with pytest.raises(CalibrationStopped), session.ending_damped():
        session.place("belly")
        session.stand()
        session.place("hang")
        session.move(session.info.stand_pos, 1.0)
        why.append("Ctrl-C")
        before = len(rig.robot.commands)
        session.read()
    commands = list(rig.robot.commands)
    assert commands[before:] and not any(map(is_stiff, commands[before:]))


def test_the_simulated_robot_is_in_the_poses_that_are_asked_for():
    session = Session(SimRig())
    with session.ending_damped():
        for pose in POSES:
            session.place(pose)
            assert session.pose == pose


class Careless(SimRig):
    """Whoever takes the belly for the back."""

    def place(self, pose):
        return super().place({"belly": "back", "back": "belly"}.get(pose, pose))


def test_a_robot_that_lies_otherwise_is_not_measured_on():
    session = Session(Careless())
    with session.ending_damped():
        session.place("hang")
        with pytest.raises(
            CalibrationStopped, match=r"not in the pose 'back', but .* lay the robot on its back"
        ):
            session.place("back")
        with pytest.raises(CalibrationStopped, match=r"not in the pose 'belly'.* -1\.00 up in its body"):
            order._place(session, "belly")  # and it would stand up
        assert not session.pose, "it is asked for anew"


def test_a_person_is_told_what_the_robot_does_next():
    asked = []

    def ask(text):
        asked.append(text)
        raise CalibrationStopped("told to")

    rig = HandRig("a1", ask)
    for pose in ("hang", "belly", "back"):
        with pytest.raises(CalibrationStopped):
            rig.place(pose)
    assert "Its legs will move" in asked[0] and "It will stand up" in asked[1] and "will" not in asked[2]
