"""Step 3: the motors resist motion and hold nothing. Move a leg by hand: it feels like honey."""

import numpy as np

from robots.a1.stand import damp
from robots.robot import JointCommand
from robots.safety.faults import Fault
from robots.safety.modes import Mode


def test_damping_moves_nothing(a1):
    before = a1.read().joint_pos
    state = damp(a1, seconds=0.5)
    assert np.abs(state.joint_pos - before).max() < 0.2
    assert np.abs(state.joint_torque).max() < 5.0
    sent = a1.sent()
    assert not sent.kp.any() and (sent.kd > 0).all()


def test_silence_while_damping_is_no_fault(a1, wait):
    damp(a1, seconds=0.1)
    wait(1.2)
    assert a1.mode is Mode.NORMAL


def test_stop_damps_and_stays_until_a_person_resets_it(a1, until, undo):
    start = a1.read().joint_pos
    a1.write(JointCommand.hold(start, a1.info))
    until(lambda: bool(a1.sent().kp.any()))
    a1.trip(Fault.EMERGENCY_STOP)
    until(lambda: a1.mode is Mode.DAMP)
    assert "pressed stop" in a1.stopped
    sent = a1.write(JointCommand.hold(start, a1.info))
    assert not sent.kp.any(), "what was really sent is no longer what was asked"
    undo(Fault.EMERGENCY_STOP)
    assert a1.mode is Mode.NORMAL and a1.stopped == ""
