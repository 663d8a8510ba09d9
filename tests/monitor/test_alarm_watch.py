import math

import pytest

from daydreamer.monitor.alarm_watch import News, Watch
from daydreamer.monitor.alarms import ALARMS, Raised, active
from daydreamer.monitor.record import Record


def feed(watch: Watch, name: str, *values: float, every: float = 10.0) -> None:
    for k, value in enumerate(values):
        watch.update(Record(k, every * k, {name: value}))


def test_a_link_that_comes_and_goes_is_counted_and_forgotten():
    watch = Watch()
    feed(watch, "link/connected", 1, 0, 1, 0, 1, 0, 0)  # lost at 10, 30 and 50 s
    assert watch.facts(60.0).flaps == 3
    assert watch.facts(620.0).flaps == 2  # ten minutes after the first
    assert watch.facts(700.0).flaps == 0


def test_a_learner_that_began_anew_without_its_actor_has_lost_no_link():
    watch = Watch()
    watch.update(Record(0, 0.0, {"learner/actors": 1.0, "link/connected": 1.0}))
    watch.update(Record(0, 2.0, {"learner/actors": 0.0}))
    watch.update(Record(0, 4.0, {"learner/actors": 1.0, "link/connected": 1.0}))
    assert watch.facts(4.0).flaps == 0
    watch.update(Record(0, 6.0, {"learner/actors": 0.0, "link/connected": 0.0}))
    assert watch.facts(6.0).flaps == 1


def test_of_an_actor_that_is_away_nothing_is_an_alarm_any_more():
    watch = Watch()
    told = {"link/connected": 1.0, "actor/holding": 1.0, "actor/late_ms": 23.0}
    watch.update(Record(0, 0.0, {"learner/actors": 1.0, **told}))
    assert [one.alarm.key for one in active(watch.facts(0.0))] == ["holding", "late"]
    watch.update(Record(0, 2.0, {"robot/up": 0.9}))  # no word of actors
    assert [one.alarm.key for one in active(watch.facts(2.0))] == ["holding", "late"]
    watch.update(Record(0, 4.0, {"learner/actors": 0.0, "link/connected": 0.0}))
    assert active(watch.facts(4.0)) == []


def fleet(watch: Watch, time: float, **connected: float) -> None:
    """A line of a learner that knows of several actors."""
    named = {f"actor/{name}/connected": value for name, value in connected.items()}
    watch.update(Record(0, time, {"learner/actors": sum(connected.values()), **named}))


def test_of_several_actors_one_that_is_lost_is_missed_for_a_day():
    watch = Watch()
    fleet(watch, 0.0, rex=1, spot=1)
    fleet(watch, 120.0, rex=0, spot=1)
    assert watch.facts(120.0).gone == ""
    fleet(watch, 121.0, rex=0, spot=1)
    assert watch.facts(121.0).gone == "rex"
    assert watch.facts(121.0, ended=True).gone == watch.facts(121.0, retired={"rex"}).gone == ""
    fleet(watch, 86_400.0, rex=0, spot=1)
    assert watch.facts(86_400.0).gone == "rex"
    fleet(watch, 86_401.0, rex=0, spot=1)
    assert watch.facts(86_401.0).gone == ""


def test_a_learner_that_began_anew_does_not_know_who_is_missed():
    watch = Watch()
    fleet(watch, 0.0, rex=1, spot=1)
    watch.update(Record(0, 130.0, {"learner/actors": 1.0}))  # of one actor, with no names
    assert watch.facts(130.0).gone == "1 of rex, spot"
    watch.update(Record(0, 140.0, {"learner/actors": 0.0}))
    assert watch.facts(140.0).gone == "rex, spot"
    fleet(watch, 150.0, rex=1, spot=1)
    assert watch.facts(150.0).gone == ""


def test_an_actor_that_nobody_saw_connected_is_not_missed():
    watch = Watch()
    watch.update(Record(0, 0.0, {"learner/actors": 1.0}))  # rex by itself, then spot in its place
    fleet(watch, 10.0, rex=0, spot=1)
    fleet(watch, 1000.0, rex=0, spot=1)
    assert watch.facts(1000.0).gone == ""


def test_the_rate_is_known_after_a_minute():
    watch = Watch()
    feed(watch, "replay/bytes", 0, 1e4, 2e4, 3e4, 4e4, 5e4)
    assert math.isnan(watch.facts(50.0).disk_rate)
    watch.update(Record(6, 60.0, {"replay/bytes": 6e4}))
    assert watch.facts(60.0).disk_rate == pytest.approx(1000.0)
    assert math.isnan(watch.facts(60.0, ended=True).disk_rate), "a run that is over fills no disk"


def test_the_rate_is_that_of_the_last_ten_minutes_whatever_went_before():
    # An hour at rest, then 1 MB/s: over the whole time it would be 6e8 B / 4,200 s = 143 kB/s.
    watch = Watch()
    for second in range(0, 4201, 10):
        watch.update(Record(0, float(second), {"replay/bytes": 1e6 * max(0, second - 3600)}))
    assert watch.facts(4200.0).disk_rate == pytest.approx(1e6)


def test_what_the_rate_is_measured_by_is_bounded():
    watch = Watch()
    for k in range(10_000):  # five lines a second, more than the ten minutes need
        watch.update(Record(0, k / 5, {"replay/bytes": 200.0 * k}))
    assert len(watch._bytes) <= 2000
    assert watch.facts(2000.0).disk_rate == pytest.approx(1000.0)


def test_the_ratio_is_expected_of_the_rows_after_the_prefill():
    watch = Watch(train_ratio=128.0, prefill=2000)
    watch.update(Record(0, 0.0, {"replay/rows": 3000.0}))
    assert math.isnan(watch.facts(0.0).ratio_target)  # too early
    watch.update(Record(1, 1.0, {"replay/rows": 16000.0}))
    assert watch.facts(1.0).ratio_target == pytest.approx(112.0)  # 128 * 14000 / 16000


def test_the_past_is_bounded():
    watch = Watch()
    for k in range(60_000):  # 100 robot minutes
        watch.update(Record(k, float(k), {"robot/minutes": k / 600, "robot/reward": 5.0}))
    facts = watch.facts(0.0)
    assert len(facts.past) <= 251
    assert facts.past[-1][0] - facts.past[0][0] <= 25.0


def test_an_ended_run_raises_nothing_that_only_a_living_one_can():
    watch = Watch()
    watch.update(Record(0, 0.0, {"actor/holding": 1.0}))
    facts = watch.facts(1e6, ended=True)
    assert math.isnan(facts.metrics_age)
    assert not facts.metrics


def test_how_often_is_to_be_saved_is_told():
    assert Watch(checkpoint_every=60.0).facts(0.0).checkpoint_every == 60.0
    assert math.isnan(Watch().facts(0.0).checkpoint_every)


def lines(
    watch: Watch, begin: float, end: float, minutes: float, wall: float = 0.0, every: float = 2.0
) -> None:
    """What a learner writes while no rows come, from ``begin`` to ``end`` s, ``wall`` s after its start."""
    for k in range(round((end - begin) / every) + 1):
        metrics = {"robot/minutes": minutes, "learner/wall_minutes": (wall + every * k) / 60}
        watch.update(Record(k, begin + every * k, metrics))


def test_how_long_no_rows_came():
    watch = Watch()
    assert math.isnan(watch.facts(0.0).rows_age)
    lines(watch, 0.0, 100.0, minutes=3.0)
    assert watch.facts(100.0).rows_age == 100.0
    watch.update(Record(1, 102.0, {"robot/minutes": 3.1, "learner/wall_minutes": 1.7}))
    assert watch.facts(102.0).rows_age == 0.0
    assert math.isnan(watch.facts(102.0, ended=True).rows_age), "of a run that is over none are expected"


def test_a_learner_that_begins_anew_waits_anew():
    watch = Watch()
    lines(watch, 0.0, 100.0, minutes=3.0)
    lines(watch, 86_400.0, 86_410.0, minutes=3.0)  # started again a day later
    assert watch.facts(86_410.0).rows_age == 10.0


def test_time_in_which_nothing_was_written_says_little_about_rows():
    watch = Watch()
    lines(watch, 0.0, 10.0, minutes=3.0)
    lines(watch, 3600.0, 3600.0, minutes=3.0, wall=12.0)  # the computer slept for an hour
    assert watch.facts(3600.0).rows_age == 10.0 + 30.0
    lines(watch, 1000.0, 1000.0, minutes=3.0, wall=14.0)  # its clock was put back
    assert watch.facts(1000.0).rows_age == 40.0


def test_the_disk_of_the_run_is_watched(tmp_path):
    assert Watch(tmp_path).facts(0.0).disk_free > 0
    assert math.isnan(Watch(tmp_path / "gone").facts(0.0).disk_free)


def test_an_alarm_is_news_once_and_again_when_it_comes_back():
    news, first, second = News(), Raised(ALARMS[0], ""), Raised(ALARMS[1], "")
    assert news.fresh([first]) == [first]
    assert news.fresh([first, second]) == [second]
    assert news.fresh([second]) == []
    assert news.fresh([first, second]) == [first]
