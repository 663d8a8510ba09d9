"""Whatever comes in, what goes out is finite and within limits, and the mode never rises without a person."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from robots.fake import FakeRobot
from robots.robot import JointCommand, RobotError
from robots.safety.config import SafetyConfig
from robots.safety.core import Memory, Moment, check
from robots.safety.faults import Fault, Finding
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode
from tests.robots.safety.readings import INFO, STAND, reading, rules, stand

ANY = st.one_of(st.floats(), st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324]))
NEAR = st.floats(-3.0, 3.0)
ODD = st.one_of(st.none(), arrays(np.float64, st.integers(0, 13)), arrays(object, 12, elements=st.none()))


def vector(size: int) -> st.SearchStrategy:
    return st.one_of(arrays(np.float64, size, elements=NEAR), arrays(np.float64, size, elements=ANY), ODD)


@st.composite
def states(draw):
    """None, a good reading, or one with some of it drawn."""
    if draw(st.integers(0, 9)) == 0:
        return None
    sizes = {"quat_xyzw": 4, "gyro": 3, "accel": 3, "foot_force": 4}
    names = draw(st.lists(st.sampled_from([field.name for field in fields(reading())]), max_size=2))
    drawn = {name: draw(vector(sizes.get(name, 12))) for name in names if name not in ("seq", "time")}
    return reading(**drawn, seq=draw(st.integers(0, 5)), time=draw(st.one_of(NEAR, ANY)))


@st.composite
def commands(draw):
    """None, a good command somewhere, or one with some of it drawn."""
    if draw(st.integers(0, 9)) == 0:
        return None
    names = draw(st.lists(st.sampled_from([field.name for field in fields(JointCommand)]), max_size=3))
    return stand(**{name: draw(vector(12)) for name in names})


CONFIGS = st.sampled_from(
    [{}, {"frozen_imu": math.inf}, {"target_rate": math.inf}, {"target_error": 0.1}, {"tilt": 0.5},
     {"target_rate": 0.0}, {"hold_error": math.inf}, {"state_hold": math.inf, "state_damp": math.inf}]
)  # fmt: skip
TICKS = st.lists(
    st.tuples(states(), commands(), st.floats(0.0, 0.3), st.lists(st.sampled_from(list(Fault)), max_size=1)),
    max_size=8,
)


def within_limits(command: JointCommand) -> bool:
    bounds = {
        "pos": (INFO.joint_lower, INFO.joint_upper),
        "vel": (-INFO.max_velocity, INFO.max_velocity),
        "torque": (-INFO.max_torque, INFO.max_torque),
        "kp": (0.0, 200.0),
        "kd": (0.0, 20.0),
    }
    return all(
        value.shape == (12,) and value.dtype == np.float64 and ((low <= value) & (value <= high)).all()
        for name, (low, high) in bounds.items()
        for value in [getattr(command, name)]
    )


@settings(max_examples=60, deadline=None)
@given(config=CONFIGS, ticks=TICKS, mode=st.sampled_from(list(Mode)))
def test_the_decision(config, ticks, mode):
    judge, now = rules(**config), 0.0
    memory = replace(Memory.begin(now), mode=mode)
    for state, command, dt, alarms in ticks:
        now += dt
        before = memory
        findings = tuple(Finding(fault) for fault in alarms)
        sent, memory, faults = check(judge, Moment(now, dt, findings), state, command, memory)
        assert memory.mode >= before.mode, "the mode never rises"
        assert memory.mode >= max((finding.fault.mode for finding in faults), default=Mode.NORMAL)
        assert set(findings) <= set(faults)
        assert sent is None or within_limits(sent)
        if memory.mode >= Mode.DAMP and sent is not None:
            assert not (sent.kp.any() or sent.torque.any() or sent.vel.any()) and sent.kd.all()
        if memory.mode is Mode.NORMAL:
            assert (sent is None) == (command is None)
        elif memory.mode in (Mode.HOLD, Mode.DAMP):
            assert sent is not None, "a stopped robot is told so at every check"
        if memory.mode is Mode.HOLD and before.mode is Mode.HOLD and before.held and memory.last:
            np.testing.assert_array_equal(memory.held.pos, before.held.pos)
            joints, far = memory.last.joint_pos, judge.config.hold_error
            inside = np.clip(joints, judge.target_lower, judge.target_upper)
            assert (np.minimum(memory.held.pos, inside) <= sent.pos).all(), "between the pose and the joints"
            assert (np.maximum(memory.held.pos, inside) >= sent.pos).all()
            assert (np.abs(sent.pos - joints) <= np.maximum(far, np.abs(inside - joints)) + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(
    ticks=st.lists(
        st.tuples(arrays(np.float64, 12, elements=NEAR), st.floats(0.0, 0.2)), min_size=1, max_size=8
    )
)
def test_no_target_leaps(ticks):
    judge, now, target = rules(frozen_imu=math.inf, command_hold=9.0, command_damp=9.0), 0.0, STAND
    memory = Memory.begin(now)
    for number, (pos, dt) in enumerate(ticks):
        now += dt
        state = reading(seq=number, time=now, gyro=np.full(3, 1e-6 * number))
        sent, memory, _ = check(judge, Moment(now, dt), state, stand(pos=pos), memory)
        if memory.mode is Mode.NORMAL:
            assert np.abs(sent.pos - target).max() <= 21.0 * min(dt, 0.1) + 1e-9
            target = sent.pos


def standing(guard):
    return JointCommand.hold(guard.info.stand_pos, guard.info)


def pass_time(robot, seconds):
    robot.clock.sleep_until(robot.clock.now() + seconds)


def recover(robot):
    robot.silent = robot.frozen = False
    robot.temperature, robot.quat_xyzw = np.full(12, 30.0), np.array([0.0, 0.0, 0.0, 1.0])


# What may happen to a robot.
ACTS = {
    "stand": lambda guard, robot: guard.write(standing(guard)),
    "leap": lambda guard, robot: guard.write(
        replace(standing(guard), pos=np.full(12, 1e9), kp=np.full(12, -5.0))
    ),
    "say nonsense": lambda guard, robot: guard.write(replace(standing(guard), torque=np.full(12, math.nan))),
    "read": lambda guard, robot: guard.read(),
    "tick": lambda guard, robot: guard.tick(),
    "wait": lambda guard, robot: pass_time(robot, 0.05),
    "pause": lambda guard, robot: pass_time(robot, 0.7),
    "fall silent": lambda guard, robot: setattr(robot, "silent", True),
    "freeze": lambda guard, robot: setattr(robot, "frozen", True),
    "heat up": lambda guard, robot: setattr(robot, "temperature", np.full(12, 80.0)),
    "lose orientation": lambda guard, robot: setattr(robot, "quat_xyzw", np.zeros(4)),
    "recover": lambda guard, robot: recover(robot),
    "reconnect": lambda guard, robot: (guard.close(), guard.connect()),
    "press stop": lambda guard, robot: guard.trip(Fault.EMERGENCY_STOP),
    "reset": lambda guard, robot: guard.reset("Ada"),
    "reset by nobody": lambda guard, robot: guard.reset(""),
}


@settings(max_examples=40, deadline=None)
@given(acts=st.lists(st.sampled_from(list(ACTS)), max_size=25))
def test_the_mode_of_a_guarded_robot_rises_by_reset_alone(acts):
    robot = FakeRobot()
    guard = SafetyGuard(robot, replace(SafetyConfig(), frozen_imu=math.inf))
    guard.connect()
    for act in acts:
        before, told = guard.mode, len(robot.commands)
        with suppress(RobotError):
            ACTS[act](guard, robot)
        assert all(within_limits(command) for command in list(robot.commands)[told:])
        if act != "reset":
            assert guard.mode >= before
        if guard.mode >= Mode.DAMP and len(robot.commands) > told:
            assert not robot.commands[-1].kp.any()
        assert bool(guard.stopped) is (guard.mode is not Mode.NORMAL)
