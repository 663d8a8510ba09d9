"""Scales: symlog and its inverse, and running normalisers of returns."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def symlog(x: Tensor) -> Tensor:
    """sign(x) ln(1 + |x|): near-linear around 0, logarithmic far out. Source: DreamerV3, eq. 9."""
    return torch.sign(x) * torch.log1p(torch.abs(x))


def symexp(x: Tensor) -> Tensor:
    """The inverse of ``symlog``: sign(x) (exp(|x|) - 1)."""
    return torch.sign(x) * torch.expm1(torch.abs(x))


class ReturnScale(nn.Module):
    """Base of the return normalisers: ``update`` sees returns, ``scale`` divides advantages."""

    def update(self, returns: Tensor) -> None:
        """See a batch of returns of any shape."""

    def scale(self) -> Tensor:
        """What to divide advantages by, at least as large as the normaliser allows."""
        return torch.ones(())


def _blend(mean: Tensor, weight: Tensor, new: Tensor, decay: float) -> None:
    """One step of a decayed mean and its weight, in place. What is not finite is left out: it would stay for good."""
    good = torch.isfinite(new).all()
    mean.copy_(torch.where(good, decay * mean + (1 - decay) * new, mean))
    weight.copy_(torch.where(good, decay * weight + (1 - decay), weight))


class StdScale(ReturnScale):
    """Running standard deviation, from decayed first and second moments. Source: DayDreamer's ``mean_std``."""

    moments: Tensor
    weight: Tensor

    def __init__(self, decay: float = 0.99, least: float = 1e-3):
        super().__init__()
        self.decay, self.least = decay, least
        self.register_buffer("moments", torch.zeros(2))
        self.register_buffer("weight", torch.zeros(()))  # sum of the decayed weights: unbiased from step one

    def update(self, returns: Tensor) -> None:
        """Blend in the batch's mean and mean square."""
        new = torch.stack([returns.mean(), returns.square().mean()])
        _blend(self.moments, self.weight, new, self.decay)

    def scale(self) -> Tensor:
        """max(std, least)."""
        mean, square = self.moments / self.weight.clamp(min=1e-8)
        return (square - mean.square()).clamp(min=0).sqrt().clamp(min=self.least)


class PercentileScale(ReturnScale):
    """Smoothed distance between the 5th and 95th percentile, at least 1. Source: DreamerV3, eq. 7."""

    spread: Tensor
    weight: Tensor

    def __init__(self, decay: float = 0.99, least: float = 1.0):
        super().__init__()
        self.decay, self.least = decay, least
        self.register_buffer("spread", torch.zeros(()))
        self.register_buffer("weight", torch.zeros(()))

    def update(self, returns: Tensor) -> None:
        """Blend in the batch's P95 - P5."""
        low, high = torch.quantile(returns.flatten(), torch.tensor([0.05, 0.95], device=returns.device))
        _blend(self.spread, self.weight, high - low, self.decay)

    def scale(self) -> Tensor:
        """max(spread, least)."""
        return (self.spread / self.weight.clamp(min=1e-8)).clamp(min=self.least)


def return_scale(name: str) -> ReturnScale:
    """``none`` (DreamerV1, V2), ``std``, ``adv_std`` (DayDreamer: fed advantages) or ``percentile`` (DreamerV3)."""
    kinds = {"none": ReturnScale, "std": StdScale, "adv_std": StdScale, "percentile": PercentileScale}
    return kinds[name]()
