"""The acting half of a Dreamer as a module of plain tensors in and out, ready for ONNX."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from daydreamer.agents.dreamer.behavior import Actor
from daydreamer.agents.dreamer.rssm import RSSM, State
from daydreamer.agents.dreamer.world_model import Encoder
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.nn.onnx import OnnxModel


class PolicyStep(nn.Module):
    """One unbatched control step: observation, carry and noise to action and carry.

    The carry is ``deter [D]``, ``stoch [S]`` and ``action [A]``, the policy's own previous action in [-1, 1].
    """

    def __init__(self, encoder: Encoder, rssm: RSSM, actor: Actor, keys: list[str]):
        super().__init__()
        self.encoder, self.rssm, self.actor = encoder, rssm, actor
        self.keys = keys

    def forward(self, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Inputs: is_first, the sensed keys, deter, stoch, action, latent noise, action noise."""
        is_first, *values = inputs
        obs = dict(zip(self.keys, values, strict=False))
        deter, stoch, previous, latent_noise, action_noise = (
            x.unsqueeze(0) for x in values[len(self.keys) :]
        )
        embed = self.encoder({key: value.unsqueeze(0) for key, value in obs.items()}, lead=1)
        state, _ = self.rssm.observe(State(deter, stoch), previous, embed, is_first.reshape(1), latent_noise)
        policy = self.actor(state.feat)
        action = (policy.mean + policy.std * action_noise).clamp(-1, 1)
        return action.squeeze(0), state.deter.squeeze(0), state.stoch.squeeze(0), action.squeeze(0)


class ExportedPolicy:
    """Keeps the exported graph of one agent's policy; made on first use, as tracing takes a second or two."""

    def __init__(self, step: PolicyStep, obs: Specs, act_key: str, act_spec: ArraySpec):
        self.step = step
        rssm = step.rssm
        self._obs = {"is_first": ArraySpec((), "bool"), **{k: obs[k] for k in step.keys}}
        example: dict[str, Tensor] = {}
        for key, spec in self._obs.items():
            example[f"obs/{key}"] = torch.zeros(spec.shape, dtype=getattr(torch, spec.dtype))
        for key, size in (("deter", rssm.deter_size), ("stoch", rssm.stoch_size), ("action", act_spec.size)):
            example[f"carry/{key}"] = torch.zeros(size)
        example["noise/latent"] = torch.full((rssm.latent.noise_size,), 0.5)
        example["noise/action"] = torch.zeros(act_spec.size)
        self.metadata: dict[str, Any] = {
            "schema": 1,
            "obs": {key: spec.to_dict() for key, spec in self._obs.items()},
            "act": {act_key: act_spec.to_dict()},
            "noise": {"latent": rssm.latent.noise_kind, "action": "normal"},
            "explore": ["action"],
        }
        self.inputs = example
        outputs = [f"action/{act_key}", "next/deter", "next/stoch", "next/action"]
        self._model = OnnxModel(step, example, outputs)

    def serialise(self, version: int) -> bytes:
        """ONNX bytes of the present weights."""
        return self._model.serialise({**self.metadata, "version": version})
