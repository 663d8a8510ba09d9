"""Wishes from a shell: what is waited for, and what is said when nobody is there."""

from types import SimpleNamespace

import numpy as np
import pytest

from daydreamer.cli.hand import follow, in_vain
from daydreamer.cli.main import main
from robots.clock import ManualClock


def telemetry(activity="learning", last_hand="", speed=0.0, stopped=""):
    return SimpleNamespace(
        activity=activity, last_hand=last_hand, joint_vel=np.full(12, speed), stopped=stopped, mode="NORMAL"
    )


class Client:
    """Gives one telemetry after the other, 0.1 s apart, then the last one again."""

    def __init__(self, clock, *shown):
        self._clock, self._shown = clock, list(shown)

    def latest(self, timeout):
        self._clock.advance(0.1)
        return self._shown.pop(0) if len(self._shown) > 1 else self._shown[0]


@pytest.fixture
def clock():
    return ManualClock()


def test_a_wish_is_followed_until_the_robot_says_what_came_of_it(clock):
    before, after = telemetry(), telemetry(last_hand="pause by Ada: the robot holds its pose")
    assert follow(Client(clock, before, before, after), "pause", before, 10.0, clock) is after
    assert clock.now() == pytest.approx(0.3)


def test_lying_down_is_over_when_the_robot_has_been_still_for_a_second(clock):
    lying = [telemetry("lying down", speed=2.0)] * 25 + [telemetry("lying down")]
    follow(Client(clock, telemetry(), *lying), "lie_down", None, 10.0, clock)
    # It moved until 2.6 s; a second later it is over.
    assert clock.now() == pytest.approx(3.6, abs=0.15)


def test_a_robot_that_was_still_all_along_is_given_the_time_of_the_motion(clock):
    follow(Client(clock, telemetry("lying down")), "lie_down", None, 10.0, clock)
    assert clock.now() == pytest.approx(2.0, abs=0.15)


def test_a_stopped_robot_does_not_lie_down_and_is_not_waited_for(clock):
    follow(Client(clock, telemetry("stopped", stopped="DAMP: pressed")), "lie_down", None, 10.0, clock)
    assert clock.now() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("wish", "effect", "stopped", "vain"),
    [
        ("reset", "refused: a motor is hot", "DAMP: hot", True),
        ("resume", "nothing: the robot is stopped and needs a reset first", "DAMP: pressed", True),
        ("resume", "nothing: it goes on already", "", False),
        ("reset", "nothing: the robot is not stopped", "", False),
        ("lie_down", "nothing: the robot is stopped and needs a reset first", "DAMP: pressed", False),
        ("mark_bad", "nothing: there is no row to mark yet", "", True),
        ("pause", "the robot holds its pose", "", False),
    ],
)
def test_a_script_learns_from_the_exit_code_what_was_in_vain(wish, effect, stopped, vain):
    after = telemetry(last_hand=f"{wish} by Ann: {effect}", stopped=stopped)
    assert in_vain(wish, after) == vain


def test_waiting_has_an_end(clock):
    assert follow(Client(clock, None), "lie_down", None, 5.0, clock) is None
    assert clock.now() == pytest.approx(5.0, abs=0.15)


def test_a_run_without_an_actor_says_so(capsys, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["hand", "lie_down", str(tmp_path)])
    assert stop.value.code == 2
    assert "is missing: its actor has not begun" in capsys.readouterr().err
