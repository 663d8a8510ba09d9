"""The state behind every view: pace, curves, warnings, and a past that is taken from the metrics file."""

import math

import pytest

from daydreamer.monitor.record import Record
from daydreamer.monitor.story import Story


def test_eta_follows_the_pace_of_the_last_minutes():
    story = Story(target_minutes=60)
    assert math.isnan(story.eta)
    story.update({"robot/minutes": 10.0}, now=0.0)
    assert math.isnan(story.eta), "one point has no pace"
    story.update({"robot/minutes": 12.0}, now=60.0)  # two robot minutes in a wall minute
    assert story.eta == pytest.approx(48 / 2 * 60)
    for second in range(61, 461):  # then one in a wall minute, until the fast start is forgotten
        story.update({"robot/minutes": 12.0 + (second - 60) / 60}, now=float(second))
    left = 60 - (12 + 400 / 60)
    assert story.eta == pytest.approx(left * 60, rel=1e-3)


def test_eta_is_unknown_while_the_robot_rests_and_zero_at_the_end():
    story = Story(target_minutes=60)
    story.update({"robot/minutes": 10.0}, now=0.0)
    story.update({"robot/minutes": 10.0}, now=10.0)
    assert math.isnan(story.eta)
    story.update({"robot/minutes": 61.0}, now=20.0)
    assert (story.eta, story.done) == (0.0, 1.0)


def test_the_pace_needs_little_memory():
    story = Story(target_minutes=60)
    for tick in range(100_000):
        story.update({"robot/minutes": tick / 1e5}, now=tick * 0.01)
    assert len(story._pace) <= 302


def test_without_robot_or_target_nothing_is_claimed():
    assert math.isnan(Story(60).done) and math.isnan(Story(None).done)
    story = Story(None)
    story.update({"robot/minutes": 1.0}, 0.0)
    assert math.isnan(story.eta)


def test_values_stay_until_new_ones_come():
    story = Story()
    story.update({"robot/minutes": 1.0, "robot/up": 0.5}, 0.0)
    story.update({"robot/minutes": 2.0}, 1.0)
    assert (story.get("robot/up"), story.get("robot/minutes")) == (0.5, 2.0)
    assert math.isnan(story.get("robot/reward"))


def test_values_of_an_actor_that_is_away_do_not_stay():
    story = Story()
    story.update({"learner/actors": 1.0, "actor/holding": 1.0, "policy/version": 3.0}, 0.0)
    story.update({"learner/actors": 0.0, "link/connected": 0.0}, 1.0)
    assert story.metrics == {"learner/actors": 0.0, "link/connected": 0.0, "policy/version": 3.0}


def test_a_replayed_past_gives_curves_and_milestones_but_no_present():
    live, again = Story(), Story()
    records = []
    for tick in range(100):
        metrics = {
            "robot/minutes": tick / 10,
            "robot/window": 1000.0,
            "robot/up": tick / 100,
            "robot/reward": tick / 10,
        }
        # Names of one moment may come in several records, as from several writers.
        records += [
            Record(tick, float(tick), {"robot/minutes": tick / 10}),
            Record(tick, float(tick), metrics),
        ]
        live.update(metrics, float(tick))
    again.replay(records)
    assert again.milestones.reached == live.milestones.reached == {"rolled over": 8.1}
    assert again.curves["robot/reward"].columns(20) == live.curves["robot/reward"].columns(20)
    assert again.metrics == {}
    assert math.isnan(again.eta)


def test_a_milestone_of_the_past_is_not_reached_again():
    story = Story()
    story.replay([Record(0, 0.0, {"robot/minutes": 3.0, "robot/up": 0.9})])
    assert story.update({"robot/minutes": 9.0, "robot/up": 0.9}, 0.0) == []
    assert story.milestones.reached == {"rolled over": 3.0}


def test_warnings_are_bounded_and_repeats_are_counted():
    story = Story()
    assert story.warn("link lost\n") is True
    assert story.warn("link lost") is False
    assert list(story.warnings) == [("link lost", 2)]
    for number in range(100):
        story.warn(f"warning {number}")
    assert len(story.warnings) == 8
    assert story.warnings[-1] == ("warning 99", 1)
