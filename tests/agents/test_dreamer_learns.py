"""On a task whose optimum is known, the agent reaches it."""

import dataclasses

import numpy as np
import pytest

from daydreamer.agents.dreamer.agent import Dreamer
from daydreamer.agents.dreamer.config import micro
from tests.agents.line import ACT, FOUND, OBS, Line, episode, reward_at_the_end


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("gradient", ["dynamics", "reinforce"])
def test_it_finds_the_goal_on_a_line(gradient):
    config = dataclasses.replace(micro(), actor=dataclasses.replace(micro().actor, gradient=gradient))
    rng = np.random.default_rng(0)
    env, agent = Line(rng), Dreamer(OBS, ACT, config, seed=0)
    episodes = [episode(env, agent, seed, explore=True) for seed in range(10)]
    best = -np.inf
    for _ in range(40):
        for _ in range(20):
            chosen = [episodes[i] for i in rng.integers(len(episodes), size=16)]
            start = rng.integers(0, 10)
            agent.train({k: np.stack([e[k][start : start + 10] for e in chosen]) for k in episodes[0]})
        episodes.append(episode(env, agent, len(episodes), explore=True))
        best = max(best, final := reward_at_the_end(env, agent, 1000))
        if final > FOUND:
            return
    pytest.fail(f"best final reward {best:.2f}, expected above {FOUND} of at most 1")
