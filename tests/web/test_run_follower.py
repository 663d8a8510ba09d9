"""A run that is followed while it goes on, is resumed, or is deleted and begun anew."""

import json

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


def begin(run_dir, event, **learner):
    """As a learner does: its configuration first, then its word that it begins."""
    run_dir.config.write_text(json.dumps({"name": "fake-tiny", "learner": learner}))
    with run_dir.events.open("a") as file:
        file.write(json.dumps({"time": 1700.0, "event": event, "rows": 9}) + "\n")


def test_a_run_that_is_resumed_with_other_settings_is_judged_by_them_and_keeps_its_past(run_dir, follower):
    say(run_dir, Record(1, 1700.0, {"replay/rows": 1000.0}))
    follower.look()
    assert follower.facts().ratio_target == pytest.approx(3.6)  # 4 * 900 / 1000
    past = follower.facts().past
    begin(run_dir, "resume", train_ratio=8.0, prefill=100, checkpoint_every=60.0)
    follower.look()
    follower.look()
    facts = follower.facts()
    assert (facts.ratio_target, facts.checkpoint_every) == (pytest.approx(7.2), 60.0)
    assert follower.config()["learner"]["train_ratio"] == 8.0
    assert facts.past == past and past


def test_a_configuration_that_cannot_be_read_for_a_moment_is_read_later(run_dir, follower):
    begin(run_dir, "resume", train_ratio=8.0)
    whole = run_dir.config.read_bytes()
    run_dir.config.write_text("{")
    follower.look()
    follower.look()
    assert follower.config()["learner"]["train_ratio"] == 4.0
    run_dir.config.write_bytes(whole)
    follower.look()
    assert follower.config()["learner"]["train_ratio"] == 8.0


def test_a_run_that_is_deleted_and_begun_anew_has_a_past_of_its_own(run_dir, follower):
    walks = {"robot/window": 1000.0, "robot/up": 0.95, "robot/standing": 1.0, "robot/forward_speed": 0.6}
    say(run_dir, Record(1, 1700.0, {"robot/minutes": 10.2, "train/kl": 2.0, **walks}))
    follower.look()
    before = follower.curves(-1, 0)
    for file in (run_dir.metrics, run_dir.events, run_dir.config):
        file.unlink()
    begin(run_dir, "start", train_ratio=16.0)
    say(run_dir, *(Record(k, 5000.0 + k, {"robot/minutes": k / 10}) for k in range(3)))
    follower.look()
    follower.look()
    curves, status = follower.curves(before["generation"], before["end"] - 1), follower.status()
    assert curves["generation"] > before["generation"] and curves["begin"] == 0
    assert curves["series"]["robot/minutes"] == [0.0, 0.1, 0.2]
    assert status["metrics"] == {"robot/minutes": 0.2}
    assert all(milestone["minute"] is None for milestone in status["milestones"])
    assert [event["event"] for event in status["events"]] == ["start"]
    assert len(follower.facts().past) == 3
    assert follower.config()["learner"]["train_ratio"] == 16.0


def test_rows_that_were_lost_make_no_other_run(run_dir, follower):
    say(run_dir, Record(1, 1700.0, {"robot/minutes": 9.0}))
    follower.look()
    assert follower.curves(-1, 0)["end"] == 102
