"""Motor babbling: now and then, for a moment, a held random action in the policy's place.

A policy's noise is drawn anew at every step and averages out behind a low-pass; it finds what is a small change away.
What takes many joints to move together for half a second, such as getting from a seat onto four feet, is found by
holding one random action, and is then in the replay for the model to learn from. And a robot that walks well falls no
more: toppled by it, it goes on practising what it would forget, how to get up.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.specs import Specs

Action = dict[str, NDArray[Any]]

_MEMORY = 1000.0  # steps over which rewards are averaged
_WIDTH = 0.6  # standard deviation of the widest actions, half of the range being 1


class Babble:
    """Draws when to take over, and what to hold then.

    Args:
        act_spec: Actions in [-1, 1], 0 being the pose to return to.
        share: Of the steps, on average, in [0, 1).
        hold: Steps for which each action is held.
        above: Only while the mean reward of the last thousand steps is at least this.
        seed: Of all that is drawn.
    """

    def __init__(
        self,
        act_spec: Specs,
        share: float,
        hold: int,
        above: float,
        seed: int | np.random.SeedSequence | None,
    ):
        self._act_spec, self._hold, self._above = act_spec, hold, above
        self._mean, self._steps = 0.0, 0
        # Of beginning, at each step that is not held: 1 / chance - 1 steps of the policy's, then so many that are held.
        self._chance = share / (share + hold * (1 - share))
        self._rng = np.random.default_rng(seed)
        self._action: Action = {}
        self._left = 0

    def __call__(self, reward: float) -> Action | None:
        """The action for this step, which begins with ``reward``; None: it is the policy's."""
        if math.isfinite(reward):
            self._steps += 1
            self._mean += (reward - self._mean) / min(self._steps, _MEMORY)
        if self._left == 0:
            if self._rng.random() >= self._chance or self._mean < self._above:
                return None
            # Some stay close to the pose of action 0, some go anywhere.
            width = _WIDTH * self._rng.random()
            self._action = {
                key: np.clip(width * self._rng.standard_normal(spec.shape), -1, 1).astype(spec.dtype)
                for key, spec in self._act_spec.items()
            }
            self._left = self._hold
        self._left -= 1
        return self._action
