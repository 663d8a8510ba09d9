"""On a task whose optimum is known, the agent reaches it."""

import dataclasses

import numpy as np
import onnxruntime
import pytest

from daydreamer.agents.dreamer.agent import Dreamer
from daydreamer.agents.dreamer.config import micro
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS

POSTS = np.linspace(-10, 10, 16)
OBS = {"distance": ArraySpec((16,)), **FLAGS}
ACT = {"action": ArraySpec((1,), low=-1, high=1)}
GOAL = 5.0


class Line:
    """A point on [-10, 10] moved by 2 action; it senses how far it is from each of 16 posts.

    The reward is 1 - |pos - goal| / 10, so the best possible is 1.
    """

    def __init__(self, rng):
        self.rng = rng

    def reset(self):
        self.pos = self.rng.uniform(-10, 10)
        return self.obs(first=True)

    def step(self, action):
        self.pos = float(np.clip(self.pos + 2 * action[0], -10, 10))
        return self.obs(first=False)

    def obs(self, first):
        reward = 1 - abs(self.pos - GOAL) / 10
        return {
            "distance": (self.pos - POSTS).astype(np.float32), "reward": np.float32(reward),
            "is_first": np.bool_(first), "is_last": np.bool_(False), "is_terminal": np.bool_(False),
        }  # fmt: skip


def episode(env, agent, rng, explore, steps=20):
    """One episode with the exported policy; rows as columns ``[T, ...]``."""
    session = onnxruntime.InferenceSession(agent.policy())
    carry = {
        i.name: np.zeros(i.shape, np.float32) for i in session.get_inputs() if i.name.startswith("carry/")
    }
    size = next(i.shape for i in session.get_inputs() if i.name == "noise/latent")
    obs, rows = env.reset(), []
    for _ in range(steps):
        noise = {
            "noise/latent": rng.random(size).astype(np.float32),
            "noise/action": rng.normal(size=1).astype(np.float32) * explore,
        }
        feed = {
            "obs/distance": obs["distance"],
            "obs/is_first": np.asarray(obs["is_first"]),
            **carry,
            **noise,
        }
        action, *rest = session.run(None, feed)
        carry = dict(zip(carry, rest, strict=True))
        rows.append({**obs, "action": action})
        obs = env.step(action)
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("gradient", ["dynamics", "reinforce"])
def test_it_finds_the_goal_on_a_line(gradient):
    config = dataclasses.replace(micro(), actor=dataclasses.replace(micro().actor, gradient=gradient))
    rng = np.random.default_rng(0)
    env, agent = Line(rng), Dreamer(OBS, ACT, config, seed=0)
    episodes = [episode(env, agent, rng, explore=True) for _ in range(10)]
    best = -np.inf
    for _ in range(40):
        for _ in range(20):
            chosen = [episodes[i] for i in rng.integers(len(episodes), size=16)]
            start = rng.integers(0, 10)
            agent.train({k: np.stack([e[k][start : start + 10] for e in chosen]) for k in episodes[0]})
        episodes.append(episode(env, agent, rng, explore=True))
        final = np.mean([episode(env, agent, rng, explore=False)["reward"][-5:].mean() for _ in range(5)])
        best = max(best, final)
        if final > 0.93:
            return
    # a policy that stays where it is gets 1 - E|pos - goal| / 10 = 1 - 0.625 on average
    pytest.fail(f"best final reward {best:.2f}, expected above 0.93 of at most 1")
