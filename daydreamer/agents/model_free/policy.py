"""The acting half of a model-free agent as a module of plain tensors in and out, ready for ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from daydreamer.agents.exported import ExportedPolicy
from daydreamer.agents.model_free.actor import Actor
from daydreamer.core.specs import ArraySpec, Specs


class PolicyStep(nn.Module):
    """One unbatched control step: observation and noise to action; the mean's tanh where the noise is zero.

    With ``frames`` > 1 the carry ``past [(K - 1) * D]`` holds the observations before this one, oldest first, and
    ``is_first`` puts the present one in their place.
    """

    def __init__(self, actor: Actor, frames: int):
        super().__init__()
        self.actor, self.frames = actor, frames

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Inputs: is_first and the carry with several frames only: [is_first,] sensed keys, [past,] noise."""
        if self.frames == 1:
            *values, noise = inputs
            return (self._act(_side_by_side(values), noise),)
        is_first, *values, past, noise = inputs
        now = _side_by_side(values)
        seen = torch.cat([torch.where(is_first, now.repeat(self.frames - 1), past), now])
        return self._act(seen, noise), seen[now.shape[0] :]

    def _act(self, seen: Tensor, noise: Tensor) -> Tensor:
        policy = self.actor(seen.unsqueeze(0))
        return torch.tanh(policy.mean + policy.log_std.exp() * noise).squeeze(0)


def _side_by_side(values: list[Tensor]) -> Tensor:
    return torch.cat([value.reshape(-1).float() for value in values])


def export(step: PolicyStep, senses: Specs, act: Specs) -> ExportedPolicy:
    """The policy that ``step`` is, which sees the keys of ``senses`` in their order."""
    frames = step.frames
    width = sum(spec.size for spec in senses.values())
    action = sum(spec.size for spec in act.values())
    first = {"is_first": ArraySpec((), "bool")} if frames > 1 else {}
    carry = {"past": (frames - 1) * width} if frames > 1 else {}
    return ExportedPolicy(step, {**first, **senses}, act, carry, {"action": (action, "normal")})
