"""The actor: observations to a tanh-Gaussian over actions."""

from __future__ import annotations

from torch import Tensor, nn

from daydreamer.agents.model_free.config import ModelFreeConfig
from daydreamer.nn.layers import MLP
from daydreamer.nn.squashed import TanhNormal

LOG_STD = (-20.0, 2.0)  # kept within, as published


class Actor(nn.Module):
    """``[..., D]`` seen to a TanhNormal over ``[..., A]``."""

    def __init__(self, seen: int, action: int, config: ModelFreeConfig):
        super().__init__()
        self.net = MLP(seen, config.units, config.layers, 2 * action, "relu", "none")

    def forward(self, seen: Tensor) -> TanhNormal:
        """The distribution of the action after ``seen``."""
        mean, log_std = self.net(seen).chunk(2, -1)
        return TanhNormal(mean, log_std.clamp(*LOG_STD))
