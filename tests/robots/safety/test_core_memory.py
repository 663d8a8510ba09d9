"""The decision over time: silence, readings beside each other, alarms, and what is remembered."""

from dataclasses import replace

import numpy as np
import pytest

from robots.robot import RobotError
from robots.safety.core import Memory, forgive
from robots.safety.faults import Fault, Finding
from robots.safety.modes import Mode
from tests.robots.safety.loop import Loop, names, passive
from tests.robots.safety.readings import STAND, at, reading, stand

# Silence


def run_silent(loop, seconds, **what):
    """Steps of 1/64 s; the time since the start at which each fault was first found."""
    first = {}
    begun = loop.now
    for _ in range(round(seconds * 64)):
        for fault in names(loop.step(dt=1 / 64, **what)):
            first.setdefault(fault, (loop.now - begun, loop.mode))
    return first


def test_a_driven_robot_that_gets_no_command_holds_then_damps():
    loop = Loop(command_hold=0.25, command_damp=1.0)
    loop.step(stand())
    assert run_silent(loop, 0.25) == {}, "on the limit it is within"
    found = run_silent(loop, 1.0)
    assert found == {
        Fault.COMMAND_LATE: (1 / 64, Mode.HOLD),
        Fault.COMMAND_LOST: (0.75 + 1 / 64, Mode.DAMP),
    }
    assert run_silent(loop, 1.0) == {}, "a damped robot waits for nobody"


def test_a_driven_robot_that_falls_silent_holds_then_damps():
    loop = Loop(state_hold=0.125, state_damp=0.5, command_hold=9.0, command_damp=9.0)
    loop.step(stand())
    assert run_silent(loop, 0.125, state=None) == {}
    found = run_silent(loop, 1.0, state=None)
    assert found == {Fault.STATE_LATE: (1 / 64, Mode.HOLD), Fault.STATE_LOST: (0.375 + 1 / 64, Mode.DAMP)}


def test_the_same_reading_again_is_silence():
    loop = Loop(state_hold=0.125, state_damp=0.5, command_hold=9.0, command_damp=9.0)
    loop.step(stand())
    found = run_silent(loop, 1.0, new=False)
    assert found == {
        Fault.STATE_LATE: (0.125 + 1 / 64, Mode.HOLD),
        Fault.STATE_LOST: (0.5 + 1 / 64, Mode.DAMP),
    }


def test_a_passive_robot_may_be_silent():
    loop = Loop()
    assert run_silent(loop, 3.0, state=None) == {}
    loop.step(stand(kp=np.zeros(12)))
    assert run_silent(loop, 3.0) == {}
    assert loop.mode is Mode.NORMAL


def test_a_robot_that_never_read_is_not_driven():
    loop = Loop()
    verdict = loop.step(stand(), dt=0.0, state=None)
    assert verdict.faults == (Finding(Fault.STATE_LATE, 0.0, 0.1),)
    assert loop.mode is Mode.HOLD and passive(verdict.command)


def test_a_passive_robot_that_fell_silent_is_not_driven():
    loop = Loop()
    loop.step()
    verdict = loop.step(stand(), dt=0.2, state=None)
    assert names(verdict) == [Fault.STATE_LATE] and passive(verdict.command)


def test_a_reading_after_a_pause_is_new_again():
    loop = Loop()
    loop.step()
    assert names(loop.step(stand(), dt=5.0)) == []


# Readings beside each other


def test_readings_in_a_burst_are_no_jump():
    # The robot's clock says 50 ms, ours 1 ms, because the first came late: 1 rad is possible.
    loop = Loop()
    loop.step()
    late = reading(seq=3, time=loop.now + 0.05, joint_pos=at(1, 1.9, STAND))
    assert names(loop.step(dt=0.001, state=late)) == []


def test_a_robot_whose_clock_stands_is_given_our_time():
    loop = Loop()
    loop.step()
    assert names(loop.step(state=reading(seq=9, time=-5.0, joint_pos=at(1, 1.9, STAND)))) == []
    assert Fault.JOINT_JUMP in names(loop.step(dt=0.01, state=reading(seq=10, time=-5.0)))


def test_a_frozen_imu_holds():
    loop = Loop(frozen_imu=0.5)
    found = run_silent(loop, 1.0, joint_vel=np.zeros(12))
    assert found == {Fault.IMU_FROZEN: (0.5 + 2 / 64, Mode.HOLD)}, "counted from the first reading, at 1/64 s"


def test_limp_joints_damp():
    loop = Loop(frozen_joints=0.5, command_hold=9.0, command_damp=9.0)
    loop.step(stand(), dt=1 / 16)
    loop.step(stand(pos=STAND + 0.1), dt=1 / 16)
    found = run_silent(loop, 1.0)
    assert found == {Fault.JOINTS_FROZEN: (0.5 + 1 / 64, Mode.DAMP)}, "counted from when the target moved"


def test_a_target_that_means_nothing_freezes_nobody():
    # Without stiffness the joints are not told to go where the target is.
    loop = Loop(frozen_joints=0.5)
    loop.step(stand(pos=STAND + 0.5, kp=np.zeros(12)))
    assert run_silent(loop, 2.0) == {}


# Alarms and memory


@pytest.mark.parametrize("fault", Fault, ids=lambda fault: fault.value)
def test_every_fault_brings_its_mode(fault):
    loop = Loop()
    loop.step(stand())
    verdict = loop.step(stand(), alarms=(Finding(fault),))
    assert loop.mode is fault.mode
    assert verdict.faults == (Finding(fault),)
    assert loop.memory.cause == (() if fault.mode is Mode.NORMAL else (Finding(fault),))


def test_the_worst_of_many_decides_and_all_are_the_cause():
    alarms = (Finding(Fault.COMMAND_LATE), Finding(Fault.MOTOR_HOT), Finding(Fault.MOTOR_WARM))
    loop = Loop()
    loop.step(stand(), alarms=alarms)
    assert loop.mode is Mode.OFF and loop.memory.cause == alarms[:2]


def test_a_milder_fault_later_changes_neither_mode_nor_cause():
    loop = Loop()
    loop.step(stand(), alarms=(Finding(Fault.EMERGENCY_STOP),))
    verdict = loop.step(stand(), alarms=(Finding(Fault.COMMAND_LATE),))
    assert names(verdict) == [Fault.COMMAND_LATE]
    assert loop.mode is Mode.DAMP and loop.memory.cause == (Finding(Fault.EMERGENCY_STOP),)


def test_from_hold_it_may_come_down_further():
    loop = Loop()
    loop.step(stand())
    assert loop.step(stand(), alarms=(Finding(Fault.COMMAND_LATE),)).command.kp.all()
    assert passive(loop.step(stand(), alarms=(Finding(Fault.EMERGENCY_STOP),)).command)
    assert loop.step(stand(), alarms=(Finding(Fault.SWITCHED_OFF),)).command is not None
    assert loop.step(stand()).command is None


def test_forgiving_starts_from_what_the_motors_do():
    loop = Loop()
    loop.step(stand(pos=STAND + 0.1))
    loop.step(stand(kp=None))
    old = loop.memory
    fresh = forgive(old, "Ada")
    assert fresh == Memory(sent_at=old.sent_at, last_at=old.last_at, sent=old.sent)
    assert fresh.mode is Mode.NORMAL and fresh.driven
    loop.memory = fresh
    assert loop.step(stand(pos=at(1, 4.0, STAND))).command.pos[1] == pytest.approx(2.0)  # 0.9 + 0.1 + 1


def test_nobody_forgives_nothing():
    with pytest.raises(RobotError, match="name"):
        forgive(Memory.begin(0.0), "")


def test_memory_is_not_changed_by_a_check():
    loop = Loop()
    loop.step(stand())
    before = loop.memory
    kept = replace(before)
    loop.step(stand(kp=None))
    assert before == kept and loop.memory is not before


def test_absurd_readings_do_not_warn(recwarn):
    loop = Loop()
    loop.step(stand())
    loop.step(
        stand(), joint_vel=np.full(12, 1e300), joint_torque=np.full(12, 1e300), quat_xyzw=np.full(4, 1e300)
    )
    assert loop.mode is Mode.DAMP and not recwarn.list
