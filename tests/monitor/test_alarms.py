import math

import pytest

from daydreamer.monitor import alarms
from daydreamer.monitor.alarms import ALARMS, Facts, active

NAN = math.nan


def keys(facts: Facts) -> list[str]:
    return [raised.alarm.key for raised in active(facts)]


def past(name: str, older: float, newer: float, standing: float = 0.0, change: float = 10.0) -> Facts:
    """25 robot minutes, one point each: ``older`` up to ``change`` minutes ago, ``newer`` since."""
    points = [
        (float(minute), {name: newer if minute > 25 - change else older, "robot/standing": standing})
        for minute in range(26)
    ]
    return Facts(metrics={"robot/minutes": 25.0, name: newer}, past=points)


# For each alarm: facts on the threshold that raise it, and facts just off it that do not.
EDGES: dict[str, tuple[Facts, Facts]] = {
    "robot-stopped": (Facts(stopped="tilted"), Facts(stopped="")),
    "estop-lost": (Facts(estop="lost"), Facts(estop="pressed")),
    "robot-silent": (Facts(robot_age=3.01), Facts(robot_age=3.0)),
    "motor-hot": (Facts(temperature=50.0), Facts(temperature=49.9)),
    "not-finite": (Facts({"train/loss/model": NAN}), Facts({"train/loss/model": 1e9})),
    # 86,400 s of 1 MB/s are 86.4 GB
    "disk": (Facts(disk_free=86.39e9, disk_rate=1e6), Facts(disk_free=86.4e9, disk_rate=1e6)),
    "disk-refuses": (Facts({"replay/refused_by_disk": 1.0}), Facts({"replay/refused_by_disk": 0.0})),
    "unsaved": (
        Facts({"learner/checkpoint_age_s": 300.1}, checkpoint_every=60.0),
        Facts({"learner/checkpoint_age_s": 300.0}, checkpoint_every=60.0),
    ),
    "metrics-silent": (Facts(metrics_age=30.1), Facts(metrics_age=30.0)),
    "no-rows": (
        Facts({"learner/actors": 0.0}, rows_age=120.1),
        Facts({"learner/actors": 0.0}, rows_age=120.0),
    ),
    "actor-gone": (Facts(gone="rex"), Facts(gone="")),
    "holding": (Facts({"actor/holding": 1.0}), Facts({"actor/holding": 0.0})),
    "link-flapping": (Facts(flaps=3), Facts(flaps=2)),
    "policy-stale": (
        Facts({"policy/age_s": 120.1, "policy/version": 4.0, "policy/published": 5.0}),
        Facts({"policy/age_s": 120.0, "policy/version": 4.0, "policy/published": 5.0}),
    ),
    "late": (Facts({"actor/late_ms": 10.1}), Facts({"actor/late_ms": 10.0})),
    "ratio-off": (
        Facts({"replay/ratio": 79.9}, ratio_target=100.0),
        Facts({"replay/ratio": 80.0}, ratio_target=100.0),
    ),
    # The older window is 5 throughout; the newer has one minute of 5 and ten of the new value:
    # (5 + 10 x 5.05) / 11 = 5.045, a gain below 0.1; (5 + 10 x 5.2) / 11 = 5.18, one above.
    "stalled": (past("robot/reward", 5.0, 5.05), past("robot/reward", 5.0, 5.2)),
    # The last two minutes against those from 12 to 10 minutes ago: 3 times 0.6 is 1.8, above 1.5.
    "reward-error": (
        past("train/loss/reward", 0.6, 1.81, change=5),
        past("train/loss/reward", 0.6, 1.79, change=5),
    ),
    "entropy-collapsed": (Facts({"train/policy_entropy": 0.049}), Facts({"train/policy_entropy": 0.05})),
}


def test_every_alarm_has_its_edge():
    assert EDGES.keys() == {alarm.key for alarm in ALARMS}


@pytest.mark.parametrize("key", EDGES)
def test_an_alarm_holds_on_its_threshold(key):
    assert key in keys(EDGES[key][0])


@pytest.mark.parametrize("key", EDGES)
def test_an_alarm_is_quiet_just_off_its_threshold(key):
    assert key not in keys(EDGES[key][1])


def test_what_is_not_known_raises_nothing():
    assert active(Facts()) == []


@pytest.mark.parametrize("why", ["DAMP: stopped by Ann", "DAMP: tilted"])
def test_a_stop_is_told_with_whoever_or_whatever_it_came_from(why):
    assert [str(one) for one in active(Facts(stopped=why))] == [f"the robot is stopped: {why}"]


def test_a_robot_that_says_it_holds_is_believed_although_its_report_is_lost_with_the_link():
    assert keys(Facts({"link/connected": 0.0}, holding=True)) == ["holding"]


def test_a_learner_that_waits_for_a_connected_robot_gets_no_rows_and_one_that_works_may_make_it_wait():
    told = {"learner/actors": 1.0, "actor/paused": 0.0}  # an actor that is not paused says so
    waits, works = ({**told, "learner/waiting": share} for share in (1.0, 0.1))
    assert [str(one) for one in active(Facts(waits, rows_age=600.0))] == [
        "no rows come: for 10 min, the learner waits for them"
    ]
    assert keys(Facts(works, rows_age=600.0)) == [], "its updates pay for rows that it has"


def test_no_rows_are_missed_of_a_robot_that_a_person_or_its_safety_keeps_from_learning():
    waits = {"learner/actors": 1.0, "learner/waiting": 1.0}
    assert keys(Facts({**waits, "actor/paused": 1.0}, rows_age=600.0)) == []
    assert keys(Facts({**waits, "learner/actors": 0.0}, rows_age=600.0, paused=True)) == []
    assert keys(Facts(waits, rows_age=600.0, stopped="tilted")) == ["robot-stopped"]


def test_a_pause_of_which_nothing_more_is_heard_hides_no_link_that_is_down():
    metrics = {"learner/actors": 0.0, "learner/waiting": 1.0, "actor/paused": 1.0}
    assert keys(Facts(metrics, rows_age=600.0)) == ["no-rows"]


def test_a_learner_that_saves_after_every_update_may_take_its_time():
    assert keys(Facts({"learner/checkpoint_age_s": 50.0}, checkpoint_every=0.0)) == []
    assert keys(Facts({"learner/checkpoint_age_s": 50.1}, checkpoint_every=0.0)) == ["unsaved"]


def test_a_flat_reward_is_no_stall_when_the_robot_stands():
    assert "stalled" not in keys(past("robot/reward", 12.0, 12.0, standing=0.95))


def test_a_short_run_has_not_stalled():
    facts = past("robot/reward", 5.0, 5.0)
    assert "stalled" not in keys(Facts(facts.metrics, facts.past[10:]))


def test_a_small_reward_error_may_triple():
    assert "reward-error" not in keys(past("train/loss/reward", 0.2, 0.8, change=5))


def test_an_old_policy_is_not_stale_when_there_is_no_newer_one():
    metrics = {"policy/age_s": 500.0, "policy/version": 5.0, "policy/published": 5.0}
    assert keys(Facts(metrics)) == []


def test_a_disk_with_less_than_a_gigabyte_is_full_however_slowly_it_fills():
    assert keys(Facts(disk_free=0.9e9)) == ["disk"]


def test_dangers_come_first_and_quote_their_number():
    raised = active(Facts({"actor/late_ms": 23.0}, temperature=58.0))
    assert [str(one) for one in raised] == [
        "a motor is near its limit: 58 degC",
        "control steps begin late: 23 ms on average",
    ]


def test_keys_are_unique_and_advice_is_given():
    assert len({alarm.key for alarm in ALARMS}) == len(ALARMS)
    assert all(alarm.advice.endswith(".") and alarm.when for alarm in ALARMS)


def test_the_table_has_a_row_for_each():
    assert alarms.glossary().count("\n| `") == len(ALARMS)
