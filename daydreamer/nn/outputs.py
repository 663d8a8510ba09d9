"""What a head's last layer means: a loss against a target, and a prediction in the target's own unit.

Raw outputs are ``[..., size]``; targets, losses (negative log-likelihood, up to a constant) and predictions ``[...]``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daydreamer.nn.scaling import symexp, symlog


class Squared(nn.Module):
    """A unit-variance Gaussian, in plain or symlog scale. Source: DreamerV1 (plain), DayDreamer (symlog)."""

    size = 1

    def __init__(self, squash: bool):
        super().__init__()
        self.squash = squash

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """(prediction - target)^2 / 2."""
        return 0.5 * (raw.squeeze(-1) - (symlog(target) if self.squash else target)).square()

    def predict(self, raw: Tensor) -> Tensor:
        """The mean, unsquashed."""
        return symexp(raw.squeeze(-1)) if self.squash else raw.squeeze(-1)


class TwoHot(nn.Module):
    """A categorical over fixed bins; the target is split over its two neighbours. Source: DreamerV3, eq. 9-11.

    Bins are evenly spaced in ``[low, high]``, of the target itself or, with ``squash``, of its symlog.
    """

    bins: Tensor

    def __init__(self, size: int, low: float, high: float, squash: bool):
        super().__init__()
        if size < 2 or not low < high:
            raise ValueError(f"expected at least two bins in an interval, got {size} in [{low}, {high}]")
        self.size = size
        bins = torch.linspace(low, high, size)
        if low == -high:
            bins = (bins - bins.flip(0)) / 2  # rounding must not favour a side
        self.register_buffer("bins", symexp(bins) if squash else bins, persistent=False)

    def encode(self, target: Tensor) -> Tensor:
        """``[...]`` to weights ``[..., size]``, at most two of them not zero, summing to 1.

        The weights are linear in the target's own scale, so that ``predict`` of a perfect fit is the target.
        """
        target = target.clamp(float(self.bins[0]), float(self.bins[-1])).contiguous()
        above = torch.searchsorted(self.bins, target, right=True).clamp(1, self.size - 1)
        low, high = self.bins[above - 1], self.bins[above]
        share = ((target - low) / (high - low)).unsqueeze(-1)
        hot = torch.zeros(*target.shape, self.size, device=target.device)
        hot.scatter_(-1, (above - 1).unsqueeze(-1), 1 - share)
        return hot.scatter_(-1, above.unsqueeze(-1), share)

    def loss(self, raw: Tensor, target: Tensor) -> Tensor:
        """Cross entropy against the two-hot target."""
        return -(self.encode(target) * F.log_softmax(raw, -1)).sum(-1)

    def predict(self, raw: Tensor) -> Tensor:
        """Probability-weighted mean of the bins, summed from the outside in so that symmetry gives exactly 0."""
        weighted = F.softmax(raw, -1) * self.bins
        half = self.size // 2
        pairs = weighted[..., :half] + weighted[..., self.size - half :].flip(-1)
        middle = weighted[..., half] if self.size % 2 else 0.0
        return pairs.sum(-1) + middle


def make_scalar(kind: str, bins: int, low: float, high: float) -> Squared | TwoHot:
    """``mse``, ``symlog_mse``, ``twohot`` (bins in the value's own scale) or ``symexp_twohot``."""
    if kind in ("mse", "symlog_mse"):
        return Squared(squash=kind == "symlog_mse")
    if kind in ("twohot", "symexp_twohot"):
        return TwoHot(bins, low, high, squash=kind == "symexp_twohot")
    raise ValueError(f"no scalar head is called '{kind}'; there are mse, symlog_mse, twohot, symexp_twohot")
