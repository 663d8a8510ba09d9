"""Step 5: what stops a standing robot. Each time it ends on its belly, damped. Hold the stop button."""

import pytest

from robots.a1.stand import MOTIONS, MotionStopped, damp, play, up_z
from robots.robot import JointCommand
from robots.safety.faults import Fault
from robots.safety.modes import Mode


@pytest.fixture
def standing(a1):
    play(a1, MOTIONS["stand"], hold=0.3, stopped=lambda: a1.stopped)
    return a1


def test_a_driver_that_hangs_is_held_then_damped(standing, until, undo):
    until(lambda: standing.mode is not Mode.NORMAL)
    sent, state = standing.sent(), standing.read()
    if standing.mode is Mode.HOLD:  # as ever, unless the computer gave this test no turn for seconds
        assert sent.kp.all() and up_z(state) > 0.9
    until(lambda: standing.mode is Mode.DAMP)
    assert not standing.sent().kp.any()
    found = standing.fault_counts()
    assert found[Fault.COMMAND_LATE] > 10 and found[Fault.COMMAND_LOST] >= 1, (
        "it was held for a while, then damped"
    )
    sent = standing.write(JointCommand.hold(standing.info.stand_pos, standing.info))
    assert not sent.kp.any()
    with pytest.raises(MotionStopped, match="no new command"):
        play(standing, MOTIONS["stand"], stopped=lambda: standing.stopped)
    undo(Fault.COMMAND_LATE, Fault.COMMAND_LOST)
    damp(standing, seconds=0.2)


def test_closing_damps_it_on_the_spot(standing):
    standing.close()
    standing.connect()  # only to look
    assert not standing.sent().kp.any()
    state = damp(standing, seconds=1.0)
    assert up_z(state) > 0.9


def test_stop_in_the_middle_of_standing_up(a1, undo):
    state = a1.read()
    pressed = False

    def stopped() -> str:
        nonlocal pressed
        if not pressed and a1.read().time - state.time > 1.8:
            a1.trip(Fault.EMERGENCY_STOP)
            pressed = True
        return a1.stopped

    with pytest.raises(MotionStopped, match="pressed stop"):
        play(a1, MOTIONS["stand"], stopped=stopped)
    undo(Fault.EMERGENCY_STOP)
    damp(a1, seconds=0.5)
