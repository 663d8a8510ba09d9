"""How far two clocks are apart, worked by hand."""

import math

import pytest

from daydreamer.transport.clock_offset import ANSWERS, ClockOffset
from daydreamer.transport.messages import ActorPing, LearnerPing, decode, encode


def test_the_quickest_answer_is_believed_and_bounds_its_error():
    """The other clock is 5 s ahead. First 10 ms there, 30 back; then 2 there, 4 back, with 500 between."""
    clock = ClockOffset()
    clock.add(asked=100.0, heard=105.010, answered=105.010, now=100.040)
    # ((5.010) + (4.970)) / 2 = 4.990, half of 40 ms
    assert clock.get() == pytest.approx((4.990, 0.020))
    clock.add(asked=101.0, heard=106.002, answered=106.502, now=101.506)
    # (5.002 + 4.996) / 2 = 4.999, half of 6 ms
    assert clock.get() == pytest.approx((4.999, 0.003))
    clock.add(asked=103.0, heard=108.1, answered=108.1, now=103.2)
    # Still the one before, 1.694 s old: clocks may have parted by 0.17 ms since.
    assert clock.get() == pytest.approx((4.999, 0.003 + 1.694e-4))


def test_before_an_answer_nothing_is_known_and_a_clock_that_was_set_begins_anew():
    clock = ClockOffset()
    assert all(math.isnan(value) for value in clock.get())
    clock.add(10.0, 10.0, 10.0, 10.01)
    clock.add(9.0, 9.0, 9.0, 9.01)  # set back by a second and more
    assert all(math.isnan(value) for value in clock.get())
    clock.add(10.0, 10.0, 10.0, 10.01)
    clock.forget()
    assert math.isnan(clock.get()[0])


def test_old_answers_are_forgotten():
    clock = ClockOffset()
    clock.add(0.0, 0.0, 0.0, 0.001)
    for second in range(1, ANSWERS + 1):
        clock.add(second, second + 0.1, second + 0.1, second + 0.2)
    assert clock.get()[1] == pytest.approx(0.1)


def test_pings_carry_their_times():
    ping = decode(encode(ActorPing("", False, 3.5)))
    assert ping.asked == 3.5
    pong = decode(encode(LearnerPing(7, 1.0, 2.0, 3.0)))
    assert (pong.asked, pong.heard, pong.answered) == (1.0, 2.0, 3.0)
