"""Several robots, one learner: whose number is it?"""

from daydreamer.monitor import names
from daydreamer.runtime.fleet import fleet_metrics
from daydreamer.transport.link import ActorStatus


def status(age=0.5, rows=10, connected=True):
    return ActorStatus(connected, age, "spot-1700000000000-0a1b2c3d", rows, "", "0")


def test_a_single_actors_numbers_have_their_plain_names():
    found = fleet_metrics({"spot": status()}, {"spot": {"actor/late_ms": 2.0}})
    assert found == {"actor/late_ms": 2.0, "learner/actors": 1.0}


def test_each_of_several_actors_has_names_of_its_own():
    actors = {"spot": status(0.5, 10), "rex": status(4.0, 20, connected=False)}
    reports = {"spot": {"actor/late_ms": 2.0, "link/unacked": 3.0}, "rex": {"actor/late_ms": 9.0}}
    found = fleet_metrics(actors, reports)
    assert found["actor/late_ms"] == 2.0  # of spot, which alone is connected
    assert found["learner/actors"] == 1.0
    assert {name: value for name, value in found.items() if "/rex/" in name} == {
        "actor/rex/connected": 0.0, "actor/rex/rows": 20.0, "actor/rex/silence_s": 4.0,
    }  # fmt: skip
    assert (found["actor/spot/rows"], found["actor/spot/unacked"]) == (10.0, 3.0)


def test_what_is_wrong_with_one_of_several_does_not_come_and_go_with_who_was_heard_last():
    rex = {"actor/late_ms": 23.0, "actor/holding": 1.0, "actor/paused": 1.0, "link/unacked": 90.0}
    spot = {"actor/late_ms": 0.5, "actor/holding": 0.0, "actor/paused": 0.0, "link/unacked": 2.0}
    worst = {"actor/late_ms": 23.0, "actor/holding": 1.0, "actor/paused": 0.0, "link/unacked": 90.0}
    for ages in ((0.1, 0.2), (0.2, 0.1)):
        actors = {name: status(age) for name, age in zip(("rex", "spot"), ages, strict=True)}
        assert fleet_metrics(actors, {"rex": rex, "spot": spot}).items() >= worst.items()
    actors = {"rex": status(3.1, connected=False), "spot": status(0.1)}
    assert fleet_metrics(actors, {"rex": rex, "spot": spot}).items() >= spot.items()


def test_of_several_policies_the_one_furthest_behind_is_told():
    """The newest may be old, when none is made; and who has just come may run an older one for a moment."""
    reports = {
        "rex": {"policy/version": 8.0, "policy/age_s": 1.0},
        "ann": {"policy/version": 8.0, "policy/age_s": 7.0},
        "spot": {"policy/version": 9.0, "policy/age_s": 500.0},
    }
    found = fleet_metrics({name: status() for name in reports}, reports)
    assert (found["policy/version"], found["policy/age_s"]) == (8.0, 7.0)


def test_one_that_has_just_left_does_not_speak_for_those_who_are_here():
    actors = {"rex": status(0.1, connected=False), "spot": status(0.4)}
    reports = {"rex": {"link/connected": 1.0}, "spot": {"link/connected": 1.0}}
    assert fleet_metrics(actors, reports)["link/connected"] == 1.0


def test_an_actor_that_is_not_connected_is_not_reported_as_if_it_were():
    report = {
        "link/connected": 1.0,
        "link/unacked": 0.0,
        "actor/late_ms": 2.0,
        "policy/version": 9.0,
        "policy/age_s": 4.0,
    }
    found = fleet_metrics({"spot": status(age=3600.0, connected=False)}, {"spot": report})
    assert found == {
        "link/connected": 0.0, "policy/version": 9.0, "policy/age_s": 3604.0, "learner/actors": 0.0,
    }  # fmt: skip


def test_every_name_is_in_the_table():
    reports = {
        "spot": {"actor/steps_per_second": 20.0, "policy/version": 3.0},
        "rex.2": {"link/unacked": 1.0},
    }
    names.check(fleet_metrics({"spot": status(), "rex.2": status()}, reports))


def test_a_report_of_an_actor_that_is_no_longer_known_does_no_harm():
    assert (
        fleet_metrics({"spot": status()}, {"gone": {"actor/late_ms": 1.0}, "spot": {"actor/late_ms": 2.0}})[
            "actor/late_ms"
        ]
        == 2.0
    )
