"""A weight that follows a target: multiplied up or down until a quantity sits where it should."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SPEED, SLACK = 0.1, 0.1


class AdaptiveWeight(nn.Module):
    """Keeps a quantity near ``target`` by scaling the weight of its loss. Source: DayDreamer's ``AutoAdapt``.

    Outside of target / (1 + SLACK) .. target (1 + SLACK) the weight is multiplied or divided by (1 + SPEED)
    and kept within ``low`` .. ``high``. ``raises`` says what a larger weight does to the quantity: True for an
    entropy bonus, False for a KL penalty.
    """

    value: Tensor

    def __init__(
        self, shape: tuple[int, ...], target: float, start: float, low: float, high: float, raises: bool
    ):
        super().__init__()
        self.target, self.low, self.high, self.raises = target, low, high, raises
        self.register_buffer("value", torch.full(shape, start))

    def update(self, quantity: Tensor, target: float | None = None) -> None:
        """One step, elementwise over ``shape``; ``quantity`` has that shape. ``target`` may move from call to call."""
        quantity, target = quantity.detach(), self.target if target is None else target
        grow = quantity < target / (1 + SLACK) if self.raises else quantity > target * (1 + SLACK)
        shrink = quantity > target * (1 + SLACK) if self.raises else quantity < target / (1 + SLACK)
        factor = torch.ones_like(self.value)
        factor = torch.where(grow, factor * (1 + SPEED), factor)
        factor = torch.where(shrink, factor / (1 + SPEED), factor)
        self.value.mul_(factor).clamp_(self.low, self.high)
