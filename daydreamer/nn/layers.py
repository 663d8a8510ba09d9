"""Linear layers with norm and activation, stacked; and the gated recurrent cell."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS = {"silu": nn.SiLU, "elu": nn.ELU, "relu": nn.ReLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def norm(name: str, size: int) -> nn.Module:
    """``layer``, ``rms`` or ``none`` over the last axis of ``size``."""
    if name == "layer":
        return nn.LayerNorm(size, eps=1e-3)
    if name == "rms":
        return RMSNorm(size)
    if name == "none":
        return nn.Identity()
    raise ValueError(f"no norm is called '{name}'; there are layer, rms, none")


class RMSNorm(nn.Module):
    """x / sqrt(mean x^2 + 1e-4) times a learned scale, over the last axis; in plain operations, for ONNX."""

    def __init__(self, size: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        """``[..., size]`` to the same."""
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-4) * self.weight


def linear(inputs: int, outputs: int, bias: bool = True, scale: float = 1.0) -> nn.Linear:
    """A linear layer with truncated-normal fan-in weights (times ``scale``) and zero bias."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    with torch.no_grad():
        if scale == 0:
            layer.weight.zero_()
        else:
            # 1.1368 undoes the loss of variance of a normal cut at two standard deviations
            std = 1.1368 * scale * math.sqrt(1.0 / inputs)
            nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
        if bias:
            layer.bias.zero_()
    return layer


class MLP(nn.Module):
    """``layers`` times (linear, norm, activation), then a linear output of ``outputs`` when given.

    Maps ``[..., inputs]`` to ``[..., outputs or units]`` float32.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        layers: int,
        outputs: int | None = None,
        act: str = "silu",
        norm_name: str = "layer",
        output_scale: float = 1.0,
    ):
        super().__init__()
        parts: list[nn.Module] = []
        for index in range(layers):
            size = inputs if index == 0 else units
            parts += [
                linear(size, units, bias=norm_name == "none"),
                norm(norm_name, units),
                ACTIVATIONS[act](),
            ]
        last = units if layers else inputs
        if outputs is not None:
            parts.append(linear(last, outputs, scale=output_scale))
        self.layers = nn.Sequential(*parts)
        self.outputs = outputs if outputs is not None else last

    def forward(self, x: Tensor) -> Tensor:
        """``[..., inputs]`` to ``[..., outputs]``."""
        out: Tensor = self.layers(x)
        return out


class BlockLinear(nn.Module):
    """A linear layer whose weight is block-diagonal: ``blocks`` parts that do not see each other.

    Maps ``[N, inputs]`` to ``[N, outputs]``; both are divisible by ``blocks``. Source: DreamerV3 (2024 code).
    """

    def __init__(self, inputs: int, outputs: int, blocks: int):
        super().__init__()
        if inputs % blocks or outputs % blocks:
            raise ValueError(f"{blocks} blocks do not divide {inputs} inputs and {outputs} outputs")
        self.blocks = blocks
        parts = [linear(inputs // blocks, outputs // blocks) for _ in range(blocks)]
        self.weight = nn.Parameter(torch.stack([part.weight.detach().T for part in parts]))  # [G, I/G, O/G]
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, inputs]`` to ``[N, outputs]``, outputs ordered block by block."""
        grouped = x.unflatten(-1, (self.blocks, -1)).transpose(0, 1)  # [G, N, I/G]
        return torch.bmm(grouped, self.weight).transpose(0, 1).flatten(1) + self.bias


class GRUCell(nn.Module):
    """A gated recurrent cell with one norm before its gates and an update gate that starts nearly closed.

    deter' = u tanh(r c) + (1 - u) deter with r = sigmoid(.), u = sigmoid(. - 1).
    Source: DreamerV2 (code); with ``blocks`` > 1 the block-diagonal form of DreamerV3 (2024 code).
    """

    def __init__(self, inputs: int, deter: int, blocks: int = 1, norm_name: str = "layer"):
        super().__init__()
        self.blocks = blocks
        if blocks == 1:
            self.gates: nn.Module = linear(inputs + deter, 3 * deter, bias=norm_name == "none")
        else:  # every block sees all inputs and its own share of deter
            self.gates = BlockLinear(blocks * inputs + deter, 3 * deter, blocks)
        self.norm = norm(norm_name, 3 * deter)

    def forward(self, x: Tensor, deter: Tensor) -> Tensor:
        """``x [N, inputs]``, ``deter [N, deter]`` to the next ``deter [N, deter]``."""
        if self.blocks == 1:
            gates = self.norm(self.gates(torch.cat([x, deter], -1)))
            reset, cand, update = gates.chunk(3, -1)
        else:
            shares = deter.unflatten(-1, (self.blocks, -1))  # [N, G, D/G]
            seen = torch.cat([x.unsqueeze(1).expand(-1, self.blocks, -1), shares], -1)  # [N, G, I + D/G]
            gates = self.norm(self.gates(seen.flatten(1)))
            parts = gates.unflatten(-1, (self.blocks, -1)).chunk(3, -1)  # 3 x [N, G, D/G]
            reset, cand, update = (part.flatten(1) for part in parts)
        update = torch.sigmoid(update - 1)
        cand = torch.tanh(torch.sigmoid(reset) * cand)
        return torch.lerp(deter, cand, update)


def one_hot(index: Tensor, classes: int) -> Tensor:
    """``[...]`` int64 to ``[..., classes]`` float32, by comparison (cheap, and plain ONNX)."""
    return (index.unsqueeze(-1) == torch.arange(classes, device=index.device)).to(torch.float32)


def mse(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error summed over the last axis: ``[..., D]`` to ``[...]``."""
    return F.mse_loss(prediction, target, reduction="none").sum(-1)
