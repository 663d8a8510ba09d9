"""Motor babbling: now and then, for a moment, a held random action in the policy's place.

A policy's noise is drawn anew at every step and averages out behind a low-pass; it finds what is a small change away.
What takes many joints to move together for half a second, such as getting from a seat onto four feet, is found by
holding one random action, and is then in the replay for the model to learn from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.specs import Specs

Action = dict[str, NDArray[Any]]

_WIDTH = 0.6  # standard deviation of the widest actions, half of the range being 1


class Babble:
    """Draws when to take over, and what to hold then.

    Args:
        act_spec: Actions in [-1, 1], 0 being the pose to return to.
        share: Of the steps, on average, in [0, 1).
        hold: Steps for which each action is held.
        seed: Of all that is drawn.
    """

    def __init__(self, act_spec: Specs, share: float, hold: int, seed: int | np.random.SeedSequence | None):
        self._act_spec, self._hold = act_spec, hold
        self._chance = share / (hold * (1 - share))  # of beginning, at each step that is the policy's
        self._rng = np.random.default_rng(seed)
        self._action: Action = {}
        self._left = 0

    def __call__(self) -> Action | None:
        """The action for this step; None: it is the policy's."""
        if self._left == 0:
            if self._rng.random() >= self._chance:
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
