"""What the robot does before it has learned anything: random actions, each held for a while."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.agent import Arrays, Carry
from daydreamer.core.specs import Specs


class HeldRandom:
    """Uniform random actions in [-1, 1], a new one every ``hold`` steps.

    Holding matters: behind a low-pass, a new action at every step averages out to hardly any motion at all, and
    a robot that never moves shows its learner nothing.
    """

    version = -1

    def __init__(self, act_spec: Specs, hold: int = 8, seed: int | np.random.SeedSequence | None = None):
        if hold < 1:
            raise ValueError(f"an action is held for at least one step, got {hold}")
        self._act_spec, self._hold = act_spec, hold
        self._rng = np.random.default_rng(seed)

    def initial(self) -> Carry:
        """The step counter at 0, and a zero action."""
        return {"step": np.zeros((), np.int64), **{key: spec.zeros() for key, spec in self._act_spec.items()}}

    def noise(self, explore: bool) -> dict[str, NDArray[Any]]:
        """One candidate action. Without exploring it would do nothing at all, so it always explores."""
        return {
            key: self._rng.uniform(-1, 1, spec.shape).astype(spec.dtype)
            for key, spec in self._act_spec.items()
        }

    def __call__(self, carry: Carry, obs: Arrays, noise: Arrays) -> tuple[Carry, dict[str, NDArray[Any]]]:
        """The held action, or at every ``hold``-th step the one in ``noise``."""
        source = noise if int(carry["step"]) % self._hold == 0 else carry
        action = {key: source[key] for key in self._act_spec}
        return {"step": carry["step"] + 1, **action}, action
