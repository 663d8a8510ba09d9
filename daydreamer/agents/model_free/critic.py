"""The critics: an ensemble that values an action in a state, and its slow copy that targets are made with."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.nn.ensemble import EnsembleMLP


class Critics(nn.Module):
    """Q(s, a) of every member, and of the slow members that follow them."""

    def __init__(self, seen: int, action: int, config: ModelFreeConfig):
        super().__init__()
        self.net = EnsembleMLP(
            config.critics, seen + action, config.units, config.layers, 1,
            normed=config.critic_norm, dropout=config.dropout,
        )  # fmt: skip
        self.slow = copy.deepcopy(self.net).requires_grad_(False)

    def forward(self, seen: Tensor, action: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """``[N, D]``, ``[N, A]`` to ``[M, N]``; with ``rng`` under dropout."""
        out: Tensor = self.net(torch.cat([seen, action], -1), rng)
        return out.squeeze(-1)

    def target(self, seen: Tensor, action: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """The same of the slow members. DroQ drops units here too."""
        out: Tensor = self.slow(torch.cat([seen, action], -1), rng)
        return out.squeeze(-1)

    @torch.no_grad()
    def follow(self, rate: float) -> None:
        """Move the slow members by ``rate`` of the way."""
        torch._foreach_lerp_(list(self.slow.parameters()), list(self.net.parameters()), rate)
