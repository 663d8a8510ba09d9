"""Agent and Policy: all that the learner and the actor ask of a learning method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from daydreamer.core.transition import Batch

Arrays = Mapping[str, NDArray[Any]]
Carry = dict[str, NDArray[Any]]


class Agent(Protocol):
    """A learning method. It knows nothing of robots, replay or networks."""

    def train(self, batch: Batch) -> dict[str, float]:
        """One gradient step on ``batch`` [B, T, ...]; returns metrics by name (``train/...``)."""
        ...

    def report(self, batch: Batch) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
        """Metrics and arrays for people (open-loop predictions); changes nothing."""
        ...

    def policy(self, version: int = 0, averaged: bool = False) -> bytes:
        """The present policy as a self-contained ONNX model that says it is ``version``; see ``Policy``.

        The newest, to explore with, or ``averaged`` over the last updates, to keep; the same where no average is kept.
        """
        ...

    def save(self) -> bytes:
        """Everything that training goes on from: weights, optimisers, normalisers, random state."""
        ...

    def load(self, data: bytes) -> None:
        """The inverse of ``save``. Raises CheckpointError, and then nothing has changed."""
        ...


class Policy(Protocol):
    """Chooses actions, one step at a time. The recurrent carry is passed, never hidden."""

    def initial(self) -> Carry:
        """The carry before the first step."""
        ...

    def __call__(self, carry: Carry, obs: Arrays, noise: Arrays) -> tuple[Carry, dict[str, NDArray[Any]]]:
        """One step: ``obs`` unbatched, ``is_first`` among it; actions in [-1, 1]."""
        ...

    def noise(self, explore: bool) -> dict[str, NDArray[Any]]:
        """Noise inputs for one step; with ``explore`` False the action is the policy's mean.

        Of the state that the policy is in, which is drawn, too, where its model is a random one.
        """
        ...
