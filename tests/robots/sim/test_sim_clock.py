"""Simulated time and its pacing, with a wall clock moved by hand: nothing sleeps."""

import pytest

from robots.clock import ManualClock, Rate
from robots.sim.clock import Pacer, SimClock


def test_sleeping_runs_the_physics_to_the_deadline():
    ran: list[int] = []
    clock = SimClock(0.002, ran.append)
    clock.sleep_until(0.05)
    assert ran == [25]
    assert clock.now() == pytest.approx(0.05)


def test_a_deadline_between_steps_is_reached_by_the_step_after_it():
    ran: list[int] = []
    clock = SimClock(0.002, ran.append)
    clock.sleep_until(0.0031)
    assert ran == [2]
    assert clock.now() >= 0.0031


def test_a_deadline_that_has_passed_costs_nothing():
    ran: list[int] = []
    clock = SimClock(0.002, ran.append)
    clock.sleep_until(0.01)
    clock.sleep_until(0.004)
    clock.sleep_until(0.01)
    assert ran == [5]


def test_an_hour_of_control_steps_never_gains_or_loses_a_physics_step():
    ran: list[int] = []
    clock = SimClock(0.002, ran.append)
    rate = Rate(clock, 20.0)
    for _ in range(72_000):
        assert rate.wait() == pytest.approx(0.0, abs=1e-6)
    assert set(ran) == {25}


def test_pacing_waits_for_the_wall():
    wall = ManualClock(100.0)
    pacer = Pacer(wall)
    pacer.pace(0.05)
    pacer.pace(0.05)
    assert wall.now() == pytest.approx(100.1)


def test_small_lateness_is_made_good():
    wall = ManualClock()
    pacer = Pacer(wall, slack=0.02)
    wall.advance(0.06)  # simulating 0.05 s took 0.06 s: 0.01 late
    pacer.pace(0.05)
    assert wall.now() == pytest.approx(0.06)
    pacer.pace(0.05)
    assert wall.now() == pytest.approx(0.1)


def test_a_stall_is_not_followed_by_a_rush():
    wall = ManualClock()
    pacer = Pacer(wall, slack=0.02)
    wall.advance(10.0)
    pacer.pace(0.05)
    for _ in range(10):
        pacer.pace(0.05)
    assert wall.now() == pytest.approx(10.0 - 0.02 + 10 * 0.05)
