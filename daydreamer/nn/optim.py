"""Adam with its gradient clipped, over named parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Optimiser:
    """One optimiser for one group of weights. Weight decay falls on matrices only, never on biases and norms."""

    def __init__(
        self, parameters: Iterable[nn.Parameter], lr: float, eps: float, weight_decay: float, clip: float
    ):
        self.parameters = list(parameters)
        self.clip = clip
        groups = [
            {"params": [p for p in self.parameters if p.dim() > 1], "weight_decay": weight_decay},
            {"params": [p for p in self.parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        self.adam = torch.optim.AdamW([g for g in groups if g["params"]], lr=lr, eps=eps, fused=True)

    def step(self) -> Tensor:
        """Apply the gradients that ``backward`` left, then clear them; returns their norm before clipping."""
        norm = nn.utils.clip_grad_norm_(self.parameters, self.clip)
        if torch.isfinite(norm):  # a step that is not finite would end the run for good: leave it out
            self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        return norm

    def state_dict(self) -> dict[str, Any]:
        """Moments and step counts."""
        return self.adam.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of ``state_dict``."""
        self.adam.load_state_dict(state)
