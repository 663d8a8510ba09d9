"""What the robot is doing, in plain words, and when it first did it."""

import re

import pytest

from daydreamer.monitor import names
from daydreamer.monitor.stages import MILESTONES, STAGES, Milestones, stage

TRAINING = {"robot/minutes": 3.0, "learner/steps": 500.0, "policy/version": 4.0, "robot/window": 1000.0}


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({}, "waiting for the robot"),
        ({"robot/minutes": 0.5, "replay/rows": 600}, "collecting first data: 600 steps so far"),
        ({**TRAINING, "policy/version": -1}, "learning from the first data, before the first policy"),
        ({**TRAINING, "robot/up": -0.97}, "lying on its back"),
        ({**TRAINING, "robot/up": 0.21}, "rolling over: up.z 0.21"),
        ({**TRAINING, "robot/up": 0.8}, "rolling over: up.z 0.80"),
        (
            {**TRAINING, "robot/up": 0.81, "robot/upright": 0.83, "robot/standing": 0.12},
            "rolled over: upright 83 % of the time, standing 12 %",
        ),
        (
            {**TRAINING, "robot/up": 0.95, "robot/standing": 0.5, "robot/forward_speed": 0.19},
            "standing 50 % of the time",
        ),
        (
            {**TRAINING, "robot/up": 0.95, "robot/standing": 0.92, "robot/forward_speed": 0.41},
            "walking 0.41 m/s, standing 92 % of the time",
        ),
        # Sliding forward on its back is no walking.
        (
            {**TRAINING, "robot/up": -0.9, "robot/standing": 0.0, "robot/forward_speed": 0.4},
            "lying on its back",
        ),
        ({**TRAINING, "robot/up": 0.95, "actor/holding": 1}, "holding still: the actor may not send more"),
        ({**TRAINING, "robot/up": float("nan")}, "learning"),
    ],
)
def test_stages(metrics, words):
    assert stage(metrics)[1] == words


def test_the_words_quote_known_metrics_only():
    for row in STAGES:
        assert names.unknown(re.findall(r"\{(.*?)\}", row.words)) == []


def test_a_milestone_is_reached_once_at_its_first_minute():
    milestones = Milestones()
    assert milestones.update({**TRAINING, "policy/version": -1, "robot/up": -0.9}) == []
    (first,) = milestones.update({**TRAINING, "robot/minutes": 1.8, "robot/up": -0.9})
    assert first.said(1.8) == "first policy on the robot at 1.8 min (policy/version >= 0)"
    (rolled,) = milestones.update({**TRAINING, "robot/minutes": 3.4, "robot/up": 0.81})
    assert rolled.said(3.4) == "rolled over at 3.4 min (up.z over 1,000 steps > 0.8)"
    assert milestones.update({**TRAINING, "robot/minutes": 5.0, "robot/up": -0.9}) == []
    assert milestones.update({**TRAINING, "robot/minutes": 6.0, "robot/up": 0.9}) == [], "only the first time"
    assert milestones.reached == {"policy": 1.8, "rolled over": 3.4}


def test_a_window_that_is_not_full_reaches_nothing():
    upright = {**TRAINING, "policy/version": -1.0, "robot/up": 1.0, "robot/standing": 1.0}
    assert Milestones().update({**upright, "robot/window": 999}) == []
    assert [m.key for m in Milestones().update(upright)] == ["rolled over", "stands", "stands well"]


def test_all_milestones_are_within_reach():
    best = {**TRAINING, "robot/up": 1.0, "robot/standing": 1.0, "robot/forward_speed": 1.0}
    assert Milestones().update(best) == list(MILESTONES)


def test_without_robot_minutes_there_is_nothing_to_date():
    assert Milestones().update({"policy/version": 3.0}) == []
