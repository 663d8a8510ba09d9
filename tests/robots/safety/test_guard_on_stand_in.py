"""The default figures leave a stand-in alone that flails on the floor, and stop one whose motors overheat."""

from dataclasses import replace

import numpy as np
import pytest

from robots.robot import JointCommand
from robots.safety.faults import Fault
from robots.safety.guard import SafetyGuard
from robots.safety.modes import Mode

pytest.importorskip("pybullet")

from robots.sim.stand_in import StandIn

PERIOD = 0.05  # s


@pytest.fixture
def guard():
    with SafetyGuard(StandIn(seed=3, start="back")) as guard:
        yield guard


def flail(guard, steps, seed=0):
    """Targets that wander over the whole range of every joint, as those of a policy that knows nothing."""
    rng, info = np.random.default_rng(seed), guard.info
    target = aim = guard.read().joint_pos
    for step in range(steps):
        if step % 8 == 0:
            aim = rng.uniform(info.joint_lower + 0.02, info.joint_upper - 0.02)
        target = target + 0.35 * (aim - target)
        guard.write(JointCommand.hold(target, info))
        guard.clock.sleep_until(guard.clock.now() + PERIOD)
        guard.read()


def test_flailing_is_no_fault(guard):
    flail(guard, steps=300)
    assert guard.mode is Mode.NORMAL, guard.stopped
    assert set(guard.counts) <= {Fault.TARGET_STEP}


def test_a_stopped_stand_in_comes_to_rest(guard):
    flail(guard, steps=20)
    guard.trip(Fault.EMERGENCY_STOP)
    for _ in range(20):
        guard.clock.sleep_until(guard.clock.now() + PERIOD)
        guard.tick()
    state = guard.read()
    assert np.abs(state.joint_vel).max() < 1.0 and np.abs(state.joint_torque).max() < 3.0


def test_a_held_stand_in_holds(guard):
    flail(guard, steps=20)
    guard.trip(Fault.COMMAND_LATE)
    held = guard.write(JointCommand.hold(guard.info.joint_lower, guard.info))
    assert guard.mode is Mode.HOLD
    for _ in range(20):
        guard.clock.sleep_until(guard.clock.now() + PERIOD)
        guard.write(replace(held, pos=guard.info.joint_upper))
    assert np.abs(guard.read().joint_pos - held.pos).max() < 0.2
