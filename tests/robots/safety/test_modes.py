"""The mode only ratchets down, and only a named person lets it up."""

from itertools import product

import pytest

from robots.robot import RobotError
from robots.safety.modes import Mode, ratchet, released_by

NORMAL, HOLD, DAMP, OFF = Mode.NORMAL, Mode.HOLD, Mode.DAMP, Mode.OFF


def test_they_are_ordered():
    assert NORMAL < HOLD < DAMP < OFF
    assert list(Mode) == [NORMAL, HOLD, DAMP, OFF]
    assert [int(mode) for mode in Mode] == [0, 1, 2, 3], "monitors and rows carry these numbers"


@pytest.mark.parametrize(("mode", "wanted"), list(product(Mode, Mode)))
def test_the_stricter_one_stays(mode, wanted):
    assert ratchet(mode, [wanted]) is (wanted if wanted > mode else mode)


def test_of_many_the_strictest_counts():
    assert ratchet(NORMAL, [HOLD, OFF, DAMP]) is OFF
    assert ratchet(HOLD, []) is HOLD


def test_a_person_lets_it_up():
    assert released_by("Ada") is NORMAL


@pytest.mark.parametrize("nobody", ["", "  "])
def test_nobody_does_not(nobody):
    with pytest.raises(RobotError, match="name of the person"):
        released_by(nobody)
