"""Which numbers an actor draws."""

import numpy as np
import pytest

from daydreamer.cli.actor import ActorCommand, seeds_of
from daydreamer.presets import build
from daydreamer.runtime import actor as loop
from daydreamer.runtime.stop_signals import StopSignals


@pytest.fixture
def seeds(monkeypatch, tmp_path):
    """What the robot and the loop of the actor called ``name`` are given in its first life; no step is made."""
    given = []
    make_env = build.make_env

    def noted(preset, speed, seed, estop):
        given.append(seed)
        return make_env(preset, speed, seed, estop)

    def run_actor(env, link, *_, seed, **__):
        given.append(seed)
        link.close()
        return "noted"

    monkeypatch.setattr(build, "make_env", noted)
    monkeypatch.setattr(loop, "run_actor", run_actor)

    def of(name, seed=0):
        given.clear()
        ActorCommand(tmp_path / "run", "fake-tiny", name=name, seed=seed, console="off")._act(StopSignals())
        return tuple(given)

    return of


def test_robots_of_one_seed_and_two_names_draw_other_numbers(seeds):
    spot, rex = seeds("spot"), seeds("rex")
    assert len({*spot, *rex}) == 4
    assert spot == seeds_of(0, "spot", 0)  # and the same when it is repeated


def test_an_actor_by_the_usual_name_draws_by_its_seed_and_life_alone(seeds):
    assert seeds("actor", seed=3) == tuple(np.random.SeedSequence([3, 0]).generate_state(2))
    assert seeds("actor", seed=3) == tuple(
        np.random.SeedSequence([3, 1]).generate_state(2)
    )  # its second life
