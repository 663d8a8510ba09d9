"""What an actor is told reaches its robot and its link, and a real robot without a calibration is not touched."""

import pytest

from daydreamer.cli.actor import ActorCommand
from daydreamer.runtime import actor as loop
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.transport import actor_link
from daydreamer.transport.auth import load_actor_keys
from robots.a1.driver import A1
from robots.calibration import CalibrationError


@pytest.fixture
def envs(monkeypatch):
    """Those that would have been acted in; no step is made."""
    given = []

    def run_actor(env, link, *_, **__):
        given.append(env)
        link.close()
        return "noted"

    monkeypatch.setattr(loop, "run_actor", run_actor)
    monkeypatch.setattr(A1, "connect", lambda robot: pytest.fail("connected"))
    return given


@pytest.fixture
def act(tmp_path):
    def act(preset="fake-tiny", **options):
        return ActorCommand(tmp_path / "run", preset, console="off", **options)._act(StopSignals())

    return act


def test_a_real_robot_without_a_calibration_is_refused_before_anything_connects(act, envs):
    with pytest.raises(CalibrationError, match="'a1' has no calibration"):
        act("a1")
    assert not envs


def test_one_who_knows_better_may_go_on_without_a_calibration(act, envs):
    assert act("a1", changes=("robot_options.uncalibrated=true",)) == "noted"
    assert envs[0].robot.info.name == "a1"


def test_the_stop_box_is_the_robots(act, envs):
    act("a1-emulated", estop="/dev/x")
    act("a1-emulated")
    assert [env.robot._config.estop for env in envs] == ["/dev/x", ""]


def test_how_much_may_wait_and_what_then_is_the_links(act, envs, noted):
    link = noted(actor_link, "ActorLink")
    act(spool_mb=3, when_full="drop-oldest")
    assert (link["spool_limit_bytes"], link["when_full"]) == (3 * 2**20, "drop-oldest")
    act()
    assert (link["spool_limit_bytes"], link["when_full"]) == (2**30, "hold"), "no row is given up unasked"


def test_the_keys_of_this_actor_are_the_links(act, envs, noted, keys):
    link = noted(actor_link, "ActorLink")
    act(keys=keys, name="spot")
    assert link["keys"] == load_actor_keys(keys, "spot")
    act(name="spot")
    assert link["keys"] is None
