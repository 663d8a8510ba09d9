"""A Gaussian squashed into (-1, 1) by tanh, drawn from explicit noise, with its density."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class TanhNormal(NamedTuple):
    """Before the tanh a diagonal Gaussian, ``[..., A]`` each."""

    mean: Tensor
    log_std: Tensor

    def sample(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The action that standard normal ``noise [..., A]`` draws, ``[..., A]``, and its log-density ``[...]``.

        Both with gradient to mean and std. With u = mean + std noise and a = tanh(u):

            log p(a) = sum of  -noise^2 / 2 - log std - log(2 pi) / 2 - log(1 - tanh(u)^2)

        Source: Haarnoja et al. 2018, appendix C, eq. 21. The last term as 2 (log 2 - u - softplus(-2 u)), which
        stays exact where tanh(u) rounds to 1.
        """
        u = self.mean + self.log_std.exp() * noise
        normal = -0.5 * noise.square() - self.log_std - 0.5 * math.log(2 * math.pi)
        slope = 2 * (math.log(2) - u - F.softplus(-2 * u))
        return torch.tanh(u), (normal - slope).sum(-1)
