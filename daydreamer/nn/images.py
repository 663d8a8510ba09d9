"""Convolutional encoder and decoder for square images whose side is a multiple of 16."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from daydreamer.nn.layers import ACTIVATIONS, linear

STAGES = 4  # each halves the side: 64 -> 4


def _check(shape: tuple[int, ...]) -> None:
    height, width, _ = shape
    if height != width or height % 2**STAGES:
        raise ValueError(
            f"images are square with a side that is a multiple of {2**STAGES}, got {list(shape)}"
        )


class ImageEncoder(nn.Module):
    """``[..., S, S, C]`` in [0, 1] to ``[..., outputs]``: four strided convolutions, doubling in depth."""

    def __init__(self, shape: tuple[int, ...], depth: int, act: str):
        super().__init__()
        _check(shape)
        parts: list[nn.Module] = []
        channels = shape[-1]
        for stage in range(STAGES):
            width = depth * 2**stage
            parts += [nn.Conv2d(channels, width, 4, 2, 1), nn.GroupNorm(1, width), ACTIVATIONS[act]()]
            channels = width
        self.layers = nn.Sequential(*parts)
        self.outputs = channels * (shape[0] // 2**STAGES) ** 2

    def forward(self, image: Tensor) -> Tensor:
        """Centre around 0, convolve, flatten."""
        lead = image.shape[:-3]
        x = (
            image.flatten(0, -4).permute(0, 3, 1, 2) - 0.5
            if lead
            else image.permute(2, 0, 1).unsqueeze(0) - 0.5
        )
        return self.layers(x).flatten(1).reshape(*lead, self.outputs)


class ImageDecoder(nn.Module):
    """``[..., inputs]`` to the mean of an image ``[..., S, S, C]`` in [0, 1] (sigmoid)."""

    def __init__(self, inputs: int, shape: tuple[int, ...], depth: int, act: str):
        super().__init__()
        _check(shape)
        self.side = shape[0] // 2**STAGES
        self.first = depth * 2 ** (STAGES - 1)
        self.project = linear(inputs, self.first * self.side**2)
        parts: list[nn.Module] = []
        channels = self.first
        for stage in reversed(range(STAGES - 1)):
            width = depth * 2**stage
            parts += [
                nn.ConvTranspose2d(channels, width, 4, 2, 1),
                nn.GroupNorm(1, width),
                ACTIVATIONS[act](),
            ]
            channels = width
        parts.append(nn.ConvTranspose2d(channels, shape[-1], 4, 2, 1))
        self.layers = nn.Sequential(*parts)

    def forward(self, feat: Tensor) -> Tensor:
        """Project, unflatten, convolve up, squash."""
        lead = feat.shape[:-1]
        x = self.project(feat.reshape(-1, feat.shape[-1])).unflatten(-1, (self.first, self.side, self.side))
        image = torch.sigmoid(self.layers(x)).permute(0, 2, 3, 1)
        return image.reshape(*lead, *image.shape[1:])
