"""Ages by a clock that the test moves."""

import pytest

from robots.clock import ManualClock
from robots.safety.watchdog import Watchdog


def test_it_ages_from_when_it_was_made():
    clock = ManualClock(start=100.0)
    watchdog = Watchdog(clock)
    assert watchdog.age() == 0.0
    clock.advance(0.25)
    assert watchdog.age() == pytest.approx(0.25)


def test_feeding_makes_it_young():
    clock = ManualClock(start=100.0)
    watchdog = Watchdog(clock)
    clock.advance(3.0)
    watchdog.feed()
    assert watchdog.age() == 0.0
    clock.advance(0.5)
    assert watchdog.age() == pytest.approx(0.5)
