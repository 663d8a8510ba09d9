"""A task whose optimum is known: a point on a line looks for its goal."""

import numpy as np

from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import FLAGS
from daydreamer.runtime.policy import OnnxPolicy

POSTS = np.linspace(-10, 10, 16)
OBS = {"distance": ArraySpec((16,)), **FLAGS}
ACT = {"action": ArraySpec((1,), low=-1, high=1)}
GOAL = 5.0
# Of at most 1. A policy that stays where it is gets 1 - E|pos - goal| / 10 = 1 - 0.625 on average.
FOUND = 0.93


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


def episode(env, agent, seed, explore, steps=20):
    """One episode with the exported policy; rows as columns ``[T, ...]``."""
    policy = OnnxPolicy(agent.policy(), seed)
    carry = policy.initial()
    obs, rows = env.reset(), []
    for _ in range(steps):
        carry, action = policy(carry, obs, policy.noise(explore))
        rows.append({**obs, **action})
        obs = env.step(action["action"])
    return {key: np.stack([row[key] for row in rows]) for key in rows[0]}


def reward_at_the_end(env, agent, seed):
    """Mean reward of the last steps of five episodes without exploration."""
    return np.mean([episode(env, agent, seed + i, explore=False)["reward"][-5:].mean() for i in range(5)])
