"""Several networks of one shape, computed side by side: one product for all of them."""

from __future__ import annotations

import itertools
import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from daydreamer.nn.layers import linear


class EnsembleLinear(nn.Module):
    """``members`` linear layers, each with its own weights: ``[M, N, inputs]`` to ``[M, N, outputs]``."""

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        parts = [linear(inputs, outputs) for _ in range(members)]
        self.weight = nn.Parameter(torch.stack([part.weight.detach().T for part in parts]))  # [M, I, O]
        self.bias = nn.Parameter(torch.zeros(members, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """``[M, N, inputs]`` to ``[M, N, outputs]``."""
        return torch.baddbmm(self.bias, x, self.weight)


class EnsembleNorm(nn.Module):
    """LayerNorm over the last axis, with scale and shift of each member's own."""

    def __init__(self, members: int, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, 1, size))
        self.bias = nn.Parameter(torch.zeros(members, 1, size))

    def forward(self, x: Tensor) -> Tensor:
        """``[M, N, size]`` to the same."""
        return torch.addcmul(self.bias, F.layer_norm(x, x.shape[-1:]), self.weight)


class EnsembleMLP(nn.Module):
    """``members`` times ``layers`` of (linear, dropout, norm, ReLU), then a linear output.

    The order within a layer is that of Hiraoka et al. 2022 (DroQ), figure 1: the norm comes after the dropout.
    """

    def __init__(
        self,
        members: int,
        inputs: int,
        units: int,
        layers: int,
        outputs: int,
        normed: bool = False,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.members, self.dropout = members, dropout
        sizes = [inputs] + [units] * layers
        self.linears = nn.ModuleList(EnsembleLinear(members, a, b) for a, b in itertools.pairwise(sizes))
        self.norms = nn.ModuleList(
            EnsembleNorm(members, units) if normed else nn.Identity() for _ in range(layers)
        )
        self.out = EnsembleLinear(members, sizes[-1], outputs)

    def forward(self, x: Tensor, rng: torch.Generator | None = None) -> Tensor:
        """``[N, inputs]``, the same for every member, to ``[M, N, outputs]``.

        Units are dropped when ``rng`` is given, which draws them.
        """
        x = x.expand(self.members, *x.shape)
        for layer, norm in zip(self.linears, self.norms, strict=True):
            x = layer(x)
            if self.dropout and rng is not None:
                x = x * kept(x.shape, self.dropout, rng)
            x = F.relu(norm(x))
        out: Tensor = self.out(x)
        return out


def kept(shape: torch.Size, dropout: float, rng: torch.Generator) -> Tensor:
    """A dropout mask: 0 with probability ``dropout``, else 1 / (1 - dropout), so that the mean stays.

    ``nn.Dropout`` draws from the process's own random numbers; a run that goes on from a checkpoint needs its own.
    """
    mask = torch.full(shape, 1 / (1 - dropout), device=rng.device)
    mask.view(-1)[dropped(mask.numel(), dropout, rng)] = 0
    return mask


def dropped(count: int, share: float, rng: torch.Generator) -> Tensor:
    """Which of ``count`` places are dropped, each with probability ``share`` and none knowing of another.

    The steps from one to the next are then geometric: few numbers to draw where few are dropped, and a fifth of the
    time at 1 %. Eight standard deviations more steps are drawn than are needed on average.
    """
    mean = count * share
    steps = torch.empty(round(mean + 8 * math.sqrt(mean)) + 8, dtype=torch.float64, device=rng.device)
    places = steps.geometric_(share, generator=rng).cumsum(0).long() - 1
    return places[places < count]
