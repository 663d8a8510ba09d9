"""A run that is followed while it goes on, is resumed, or is deleted and begun anew."""

import pytest

from daydreamer.monitor.record import Record
from daydreamer.web.run_follower import RunFollower


@pytest.fixture
def follower(run_dir):
    made = RunFollower(run_dir)
    made.look()
    return made


def say(run_dir, *lines):
    with run_dir.metrics.open("ab") as file:
        file.write(b"".join(line.to_line() for line in lines))


def test_what_was_said_of_an_actor_that_is_away_is_not_shown(run_dir, follower):
    say(run_dir, Record(1, 1700.0, {"learner/actors": 1.0, "actor/holding": 1.0, "link/connected": 1.0}))
    follower.look()
    assert follower.status()["stage"] == "holding"
    say(run_dir, Record(2, 1702.0, {"learner/actors": 0.0, "link/connected": 0.0}))
    follower.look()
    status = follower.status()
    assert status["stage"] != "holding" and "actor/holding" not in status["metrics"]
    assert status["metrics"]["link/connected"] == 0.0
