"""A policy averaged over training: what is kept, evaluated and shown, whatever the agent."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Step = TypeVar("Step", bound=nn.Module)


class AveragedPolicy(Generic[Step]):
    """A policy whose weights follow those of the one that learns, averaged over the last ``share`` of all updates.

    Policies seconds apart can differ between walking and lying still; their average is steadier.
    The window grows with training: early on there is little to wait for, later there is much to average.

    Source: Polyak and Juditsky 1992 (averaging iterates); Karras et al. 2024, section 3 (a window that grows).
    """

    def __init__(self, learning: Step, share: float):
        self.learning, self.share = learning, share
        self.step = copy.deepcopy(learning).requires_grad_(False)

    @torch.no_grad()
    def follow(self, update: int) -> None:
        """Move towards the weights after gradient step ``update``, which counts from 1."""
        rate = min(1.0, 1.0 / (self.share * update))
        torch._foreach_lerp_(list(self.step.parameters()), list(self.learning.parameters()), rate)
