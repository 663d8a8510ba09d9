"""Every limit on what is asked, at its boundary: on it nothing changes, beyond it the nearest thing is sent."""

import math
from dataclasses import fields

import numpy as np
import pytest

from robots.robot import JointCommand
from robots.safety import checks
from robots.safety.faults import Fault, Finding
from tests.robots.safety.readings import INFO, STAND, at, rules, stand

FREE = rules(target_rate=math.inf)  # only the range limits a target
RULES = rules(target_margin=0.0, target_rate=10.0, target_gap=0.1)


def limited(command, start=STAND, measured=STAND, elapsed=0.05, by=RULES):
    return checks.limited(by, command, start, measured, elapsed)


def test_what_is_within_goes_as_it_is():
    asked = stand(vel=at(0, 1.0), torque=at(1, -2.0))
    sent, found = limited(asked)
    assert found == []
    for field in fields(JointCommand):
        np.testing.assert_array_equal(getattr(sent, field.name), getattr(asked, field.name))
        assert not np.shares_memory(getattr(sent, field.name), getattr(asked, field.name))


@pytest.mark.parametrize("joint", range(12))
@pytest.mark.parametrize("side", ["lower", "upper"])
def test_a_target_beyond_its_range_is_brought_back(joint, side):
    limit = getattr(FREE, f"target_{side}")[joint]
    beyond = np.nextafter(limit, math.inf if side == "upper" else -math.inf)
    sent, found = limited(stand(pos=at(joint, limit, STAND)), by=FREE)
    assert found == [] and sent.pos[joint] == limit
    sent, found = limited(stand(pos=at(joint, beyond, STAND)), by=FREE)
    assert found == [Finding(Fault.TARGET_RANGE, beyond, limit, joint)]
    np.testing.assert_array_equal(sent.pos, at(joint, limit, STAND))


@pytest.mark.parametrize("joint", range(12))
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_target_moves_no_faster_than_its_rate(joint, sign):
    # 10 rad/s for 50 ms is 0.5 rad.
    start = STAND.copy()
    there = start[joint] + sign * 0.5
    wide = rules(target_margin=0.0, target_rate=10.0)
    start[joint] = there - sign * 0.5
    sent, found = limited(stand(pos=at(joint, there, STAND)), start=start, by=wide)
    assert found == [] and sent.pos[joint] == there
    beyond = there + sign * 0.01
    sent, found = limited(stand(pos=at(joint, beyond, STAND)), start=start, by=wide)
    assert found == [Finding(Fault.TARGET_STEP, pytest.approx(beyond), pytest.approx(there), joint)]
    assert sent.pos[joint] == pytest.approx(there)


@pytest.mark.parametrize(
    ("elapsed", "step"), [(-1.0, 0.0), (0.0, 0.0), (0.01, 0.1), (0.1, 1.0), (0.11, 1.0), (1e9, 1.0)]
)
def test_a_pause_allows_no_leap(elapsed, step):
    sent, found = limited(stand(pos=at(1, 4.0, STAND)), elapsed=elapsed)
    assert sent.pos[1] == pytest.approx(0.9 + step)
    assert [finding.fault for finding in found] == [Fault.TARGET_STEP]


def test_an_infinite_rate_is_no_limit_even_without_time():
    sent, found = limited(stand(pos=at(1, 4.0, STAND)), elapsed=0.0, by=FREE)
    assert found == [] and sent.pos[1] == 4.0


def test_the_step_counts_from_the_target_before_not_from_the_joint():
    sent, _ = limited(stand(pos=at(1, 4.0, STAND)), start=at(1, 2.0, STAND))
    assert sent.pos[1] == pytest.approx(2.5)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_target_stays_near_the_joint(sign):
    near = rules(target_rate=math.inf, target_error=0.25)
    sent, found = limited(stand(pos=at(1, 0.9 + sign * 0.25, STAND)), by=near)
    assert found == [] and sent.pos[1] == 0.9 + sign * 0.25
    sent, found = limited(stand(pos=at(1, 0.9 + sign * 0.26, STAND)), by=near)
    assert [finding.fault for finding in found] == [Fault.TARGET_STEP]
    assert sent.pos[1] == pytest.approx(0.9 + sign * 0.25)


@pytest.mark.parametrize("start", [9.0, -9.0])
def test_the_range_holds_wherever_it_starts(start):
    # A joint found outside its limits is brought back at once, the step notwithstanding.
    outside = np.full(12, start)
    sent, _ = limited(stand(), start=outside, measured=outside)
    edge = INFO.joint_upper if start > 0 else INFO.joint_lower
    np.testing.assert_array_equal(sent.pos, edge)


BOUNDS = {"vel": (-21.0, 21.0), "torque": (-33.5, 33.5), "kp": (0.0, 200.0), "kd": (0.0, 20.0)}


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize("side", [0, 1], ids=["lower", "upper"])
@pytest.mark.parametrize("joint", [0, 11])
def test_what_a_motor_cannot_do_is_reduced_and_told(name, side, joint):
    limit = BOUNDS[name][side]
    beyond = np.nextafter(limit, math.inf if side else -math.inf)
    usual = getattr(stand(), name)
    sent, found = limited(stand(**{name: at(joint, limit, usual)}))
    assert found == [] and getattr(sent, name)[joint] == limit
    sent, found = limited(stand(**{name: at(joint, beyond, usual)}))
    assert found == [Finding(Fault.COMMAND_RANGE, beyond, limit, joint)]
    np.testing.assert_array_equal(getattr(sent, name), at(joint, limit, usual))
