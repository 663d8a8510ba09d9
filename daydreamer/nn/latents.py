"""Stochastic latents: categorical (DreamerV2 on) and Gaussian (DreamerV1), behind one face.

A latent turns features into ``stats [..., K]``, draws a flat sample ``stoch [..., D]`` from stats and explicit
noise (so that training, imagination and the exported policy draw the same way), and measures KL divergence.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from daydreamer.nn.layers import one_hot

LEAST_STD = 0.1  # of a Gaussian latent


class Latent(Protocol):
    """What the RSSM asks of a latent distribution."""

    stats_size: int
    stoch_size: int
    noise_size: int
    noise_kind: str  # 'uniform' or 'normal'

    def normalise(self, raw: Tensor) -> Tensor:
        """Network output to valid stats, same shape."""
        ...

    def sample(self, stats: Tensor, noise: Tensor) -> Tensor:
        """``stats [..., K]``, ``noise [..., N]`` to ``stoch [..., D]``, differentiable in stats."""
        ...

    def mode(self, stats: Tensor) -> Tensor:
        """The most likely ``stoch [..., D]``."""
        ...

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """KL(left || right) in nats, ``[..., K]`` each to ``[...]``."""
        ...

    def entropy(self, stats: Tensor) -> Tensor:
        """Entropy in nats, ``[..., K]`` to ``[...]``."""
        ...


class CategoricalLatent:
    """``variables`` one-hot vectors of ``classes``; 1 % uniform mixed in; straight-through gradients.

    stats are log-probabilities. Source: DreamerV2, sec. 2 and algorithm 1; unimix: DreamerV3, sec. "Robust".
    """

    noise_kind = "uniform"

    def __init__(self, variables: int, classes: int, unimix: float = 0.01):
        self.variables, self.classes, self.unimix = variables, classes, unimix
        self.stats_size = self.stoch_size = variables * classes
        self.noise_size = variables

    def normalise(self, raw: Tensor) -> Tensor:
        """Logits ``[..., V * C]`` to log-probabilities of the same shape."""
        logits = self._split(raw)
        if self.unimix:
            probs = (1 - self.unimix) * F.softmax(logits, -1) + self.unimix / self.classes
            return torch.log(probs).flatten(-2)
        return F.log_softmax(logits, -1).flatten(-2)

    def sample(self, stats: Tensor, noise: Tensor) -> Tensor:
        """Inverse CDF from one uniform per variable; gradients pass straight to the probabilities."""
        probs = torch.exp(self._split(stats))
        # the class is the number of cumulative sums (all but the last, which is 1) that noise has passed
        index = (torch.cumsum(probs.detach(), -1)[..., :-1] <= noise.unsqueeze(-1)).sum(-1)
        return (one_hot(index, self.classes) + (probs - probs.detach())).flatten(-2)

    def mode(self, stats: Tensor) -> Tensor:
        """One-hot of the likeliest class, straight-through."""
        probs = torch.exp(self._split(stats))
        return (one_hot(probs.argmax(-1), self.classes) + (probs - probs.detach())).flatten(-2)

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """Sum over variables and classes of p (ln p - ln q)."""
        return (torch.exp(left) * (left - right)).sum(-1)

    def entropy(self, stats: Tensor) -> Tensor:
        """Sum over variables and classes of -p ln p."""
        return -(torch.exp(stats) * stats).sum(-1)

    def _split(self, flat: Tensor) -> Tensor:
        return flat.unflatten(-1, (self.variables, self.classes))


class GaussianLatent:
    """A diagonal Gaussian; stats are mean and standard deviation, side by side. Source: DreamerV1, appendix A."""

    noise_kind = "normal"

    def __init__(self, size: int):
        self.stats_size, self.stoch_size, self.noise_size = 2 * size, size, size

    def normalise(self, raw: Tensor) -> Tensor:
        """std = softplus(raw) + LEAST_STD."""
        mean, std = raw.chunk(2, -1)
        return torch.cat([mean, F.softplus(std) + LEAST_STD], -1)

    def sample(self, stats: Tensor, noise: Tensor) -> Tensor:
        """mean + std noise (reparameterised)."""
        mean, std = stats.chunk(2, -1)
        return mean + std * noise

    def mode(self, stats: Tensor) -> Tensor:
        """The mean."""
        return stats.chunk(2, -1)[0]

    def kl(self, left: Tensor, right: Tensor) -> Tensor:
        """Closed form, summed over dimensions."""
        (lm, ls), (rm, rs) = left.chunk(2, -1), right.chunk(2, -1)
        ratio = ls / rs
        return 0.5 * (ratio.square() + ((lm - rm) / rs).square() - 1 - 2 * torch.log(ratio)).sum(-1)

    def entropy(self, stats: Tensor) -> Tensor:
        """Sum of ln std + ln(2 pi e) / 2."""
        return (torch.log(stats.chunk(2, -1)[1]) + 1.4189385332046727).sum(-1)


def make_latent(variables: int, classes: int, unimix: float) -> Latent:
    """Categorical when ``classes`` > 0, else a Gaussian of ``variables`` dimensions."""
    return CategoricalLatent(variables, classes, unimix) if classes else GaussianLatent(variables)
