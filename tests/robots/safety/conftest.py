"""A guarded robot that has been read once."""

import pytest

from robots.safety.guard import SafetyGuard
from tests.robots.safety.guarded import PERFECT, Unreliable, wait


@pytest.fixture
def robot():
    return Unreliable()


@pytest.fixture
def guard(robot):
    with SafetyGuard(robot, PERFECT) as guard:
        wait(guard)
        guard.read()
        yield guard
