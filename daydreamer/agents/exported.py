"""One control step of an agent's policy as ONNX, in the form that every actor runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from daydreamer.core.specs import Specs
from daydreamer.nn.onnx import OnnxModel

_EXAMPLES = {"uniform": 0.5, "normal": 0.0}


class ExportedPolicy:
    """The exported graph of one agent's policy; made on first use, as tracing takes a second or two.

    Args:
        step: Takes observations, carry and noise (unbatched tensors, by position in the order given here); returns
            the action and the next carry. Its noise ``action`` is what explores.
        obs: What it observes.
        act: The one action.
        carry: Length of each vector that goes on to the next step.
        noise: Length of each vector of noise, and its kind, 'uniform' or 'normal'.
    """

    def __init__(
        self,
        step: nn.Module,
        obs: Specs,
        act: Specs,
        carry: Mapping[str, int],
        noise: Mapping[str, tuple[int, str]],
    ):
        self.step = step
        example: dict[str, Tensor] = {}
        for key, spec in obs.items():
            example[f"obs/{key}"] = torch.zeros(spec.shape, dtype=getattr(torch, spec.dtype))
        example |= {f"carry/{key}": torch.zeros(size) for key, size in carry.items()}
        for key, (size, kind) in noise.items():
            example[f"noise/{key}"] = torch.full((size,), _EXAMPLES[kind])
        self.metadata: dict[str, Any] = {
            "schema": 1,
            "obs": {key: spec.to_dict() for key, spec in obs.items()},
            "act": {key: spec.to_dict() for key, spec in act.items()},
            "noise": {key: kind for key, (_, kind) in noise.items()},
            "explore": ["action"],
        }
        self.inputs = example
        self._outputs = [*(f"action/{key}" for key in act), *(f"next/{key}" for key in carry)]
        self._model: OnnxModel | None = None

    def serialise(self, version: int) -> bytes:
        """ONNX bytes of the present weights."""
        self._model = self._model or OnnxModel(self.step, self.inputs, self._outputs)
        return self._model.serialise({**self.metadata, "version": version})
