"""On a task whose optimum is known, SAC and DroQ reach it."""

import dataclasses

import numpy as np
import pytest

from daydreamer.agents.model_free.agent import ModelFree
from daydreamer.agents.model_free.config import droq, sac
from tests.agents.line import ACT, FOUND, OBS, Line, episode, reward_at_the_end

# Small and quick: values of ten steps, not of a hundred, are learned in a few seconds.
SMALL = {"units": 32, "discount": 0.9, "actor_lr": 2e-3, "critic_lr": 2e-3, "tau": 0.02}
CONFIGS = {
    "sac": dataclasses.replace(sac(), **SMALL),
    "droq": dataclasses.replace(droq(), updates_per_step=2, **SMALL),
}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_it_finds_the_goal_on_a_line(config):
    rng = np.random.default_rng(0)
    env, agent = Line(rng), ModelFree(OBS, ACT, config, seed=0)
    episodes = [episode(env, agent, seed, explore=True) for seed in range(10)]
    best = -np.inf
    for _ in range(40):
        whole = {key: np.stack([e[key] for e in episodes]) for key in episodes[0]}  # [E, T, ...]
        for _ in range(50):
            which, start = (
                rng.integers(len(episodes), size=(64, 1)),
                rng.integers(20 - config.frames, size=(64, 1)),
            )
            agent.train({key: x[which, start + np.arange(config.length)] for key, x in whole.items()})
        episodes.append(episode(env, agent, len(episodes), explore=True))
        best = max(best, final := reward_at_the_end(env, agent, 1000))
        if final > FOUND:
            return
    pytest.fail(f"best final reward {best:.2f}, expected above {FOUND} of at most 1")
