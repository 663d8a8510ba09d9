import json
from dataclasses import replace

import numpy as np
import pytest

from daydreamer.runtime.motion import MotionScore
from daydreamer.runtime.scoring import count_falls, evaluation_from_dict, score_rollout, summarise

HZ = 20.0
MINUTE = 1200  # steps


def rollout(up=1.0, calf=0.9, speed=0.5, height=0.25, ended=None):
    """A minute; each argument is a number, or an array [1200]."""
    return score_rollout(
        *(np.broadcast_to(x, MINUTE).astype(float) for x in (up, calf, height, speed, 10.0)), HZ, ended
    )


def test_one_that_stands_and_walks_from_the_beginning():
    score = rollout()
    assert score.upright == score.standing == 1.0
    assert score.stands and score.walks and score.falls == 0
    assert score.first_upright == 0.0 and score.walking_speed == pytest.approx(0.5)


def test_standing_is_the_last_ten_seconds_only():
    calf = np.full(MINUTE, 0.9)
    calf[:-200] = 0.0  # gates open in the last 10 s = 200 steps
    assert rollout(calf=calf).standing == 1.0
    calf[-200:-180] = 0.7  # exactly at the gate is not open: 180 of 200 remain
    assert rollout(calf=calf).standing == pytest.approx(0.9)
    assert rollout(calf=calf).stands
    calf[-180] = 0.7
    assert not rollout(calf=calf).stands
    assert rollout(calf=0.71).stands, "just above the gate it is open"


def test_one_that_crawls_on_its_belly_neither_stands_nor_walks():
    crawls = rollout(height=0.12)
    assert crawls.gets_up and not crawls.stands and not crawls.walks
    assert rollout(height=0.18).walks and rollout(height=0.18).height == pytest.approx(0.18)


def test_standing_needs_to_be_truly_upright_whatever_the_reward_says():
    assert rollout(up=0.9, calf=1.0).standing == 0.0


def test_walking_needs_speed_and_no_fall_in_the_last_twenty_seconds():
    assert rollout(speed=0.2).walks
    assert not rollout(speed=0.19).walks
    up = np.ones(MINUTE)
    up[-401] = 0.0  # one step before the last 20 s = 400 steps
    assert rollout(up=up).walks
    up[-400] = 0.0
    assert not rollout(up=up).walks


def test_a_fall_is_losing_what_was_held_for_a_second():
    up = np.r_[[True] * 19, [False], [True] * 20, [False] * 3, [True] * 60, [False]]
    # 19 steps are less than a second; 20 and 60 are falls.
    none = np.zeros(len(up), bool)
    assert count_falls(up, 20, none) == 2
    assert count_falls(np.ones(100, bool), 20, np.zeros(100, bool)) == 0


def test_a_rollout_counts_as_falls_what_was_held_for_a_second_and_then_lost():
    assert rollout(up=-1.0).falls == 0, "who never was upright has lost nothing"
    up = np.ones(MINUTE)
    up[60:] = -1.0  # held for 60 steps = 3 s, then lost for good
    assert rollout(up=up).falls == 1
    up[:41] = -1.0  # of that only 19 steps, less than a second
    assert rollout(up=up).falls == 0
    up[40] = 1.0  # 20 steps are a second
    assert rollout(up=up).falls == 1


def test_whoever_was_put_up_again_long_ago_stands_and_in_the_last_ten_seconds_does_not():
    def put_up_at(second):
        return rollout(ended=np.arange(MINUTE) == round(second * HZ))

    early, late = put_up_at(30), put_up_at(55)
    assert early.stands and early.gets_up and early.falls == 1
    assert late.standing == pytest.approx(199 / 200), "all but the step at which it ended"
    assert not late.stands and not late.gets_up and late.falls == 1
    assert put_up_at(49.95).stands and not put_up_at(50).stands, "the last 200 steps begin at 50 s"


def test_whoever_is_put_up_again_and_again_neither_stands_nor_is_without_falls():
    """Every 0.65 s it topples, in one step of 13: upright and standing in 92 % of the time."""
    up, ended = np.ones(1200), np.arange(1200) % 13 == 12
    up[ended] = 0.0
    ones = np.ones(1200)
    score = score_rollout(up, ones, ones, ones, ones, HZ, ended)
    assert score.standing > 0.9 and score.falls == 92
    assert not score.gets_up and not score.stands and not score.walks


def test_four_of_five_are_enough():
    good, bad = rollout(), rollout(up=-1.0, calf=0.0, speed=0.0)
    summary = summarise([good] * 4 + [bad])
    assert summary.stands and summary.walks
    assert summary.upright == pytest.approx(0.8) and summary.walking_speed == pytest.approx(0.4)
    assert not summarise([good] * 3 + [bad] * 2).stands
    assert summarise([good]).stands and not summarise([bad]).stands
    assert bad.first_upright is None
    keys = {
        "rollouts",
        "gets_up",
        "stands",
        "walks",
        "walking_speed",
        "upright",
        "standing",
        "falls",
        "reward",
    }
    keys |= {"first_upright", "motion"}
    assert summary.to_dict().keys() == keys and len(summary.to_dict()["rollouts"]) == 5
    assert summary.share("walks") == pytest.approx(0.8) and summary.first_upright == 0.0
    assert summarise([bad] * 4 + [good]).first_upright is None


def test_getting_up_is_being_upright_at_the_end_in_whatever_pose():
    up = np.full(MINUTE, -1.0)
    up[-181:] = 1.0  # 181 of the last 200 steps
    score = rollout(up=up, calf=0.0)
    assert score.gets_up and not score.stands
    up[-181:-178] = -1.0  # 178 of 200 are less than 90 %
    assert not rollout(up=up).gets_up


def test_more_walkers_rank_higher_whatever_their_speed_and_then_more_standers():
    walker, stander, lying = rollout(speed=0.3), rollout(speed=0.0), rollout(up=-1.0, calf=0.0, speed=0.0)
    fast = rollout(speed=0.8)
    ranked = [[walker] * 5, [fast] * 4 + [lying], [stander] * 5, [lying] * 5]
    ranks = [summarise(rollouts).rank for rollouts in ranked]
    assert ranks == sorted(ranks, reverse=True) and len(set(ranks)) == 4
    assert summarise([fast] * 5).rank > summarise([walker] * 5).rank


def test_an_evaluation_comes_back_from_json():
    motion = MotionScore(0.1, 20.0, 33.5, 0.0, 1.0, 0.0, 0.1, 0.05, 60.0, None, None)
    whole = summarise([replace(rollout(), motion=motion), replace(rollout(speed=0.0), motion=motion)])
    assert evaluation_from_dict(json.loads(json.dumps(whole.to_dict()))) == whole
    assert whole.motion["torque_p99"] == 20.0 and whole.motion["energy_per_metre"] is None


def test_a_rollout_shorter_than_the_windows_is_scored_over_what_there_is():
    ones = np.ones(40)
    score = score_rollout(ones, ones, ones, ones, ones, HZ)
    assert score.seconds == 2.0 and score.stands and score.walks
