"""A torch module as a self-contained ONNX model: traced once, then refreshed with new weights in milliseconds."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import torch
from torch import Tensor, nn

METADATA_KEY = "daydreamer"


class OnnxModel:
    """The exported graph of ``module``; ``serialise`` puts the module's present weights into it.

    Args:
        module: Takes and returns tensors by position.
        inputs: Example tensors by input name, in the order ``module`` takes them.
        outputs: Names of what it returns, in order.

    Raises:
        RuntimeError: a weight was folded into the graph, so that it could not be refreshed.
    """

    def __init__(self, module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]):
        self._model = _export(module, inputs, outputs)
        weights = dict(module.named_parameters()) | dict(module.named_buffers())
        self._slots = []
        for init in self._model.graph.initializer:
            if init.name in weights:
                self._slots.append((init, weights[init.name]))
            elif (
                len(init.dims) > 1
            ):  # a constant of the graph is a scalar or a short vector; this is a weight
                raise RuntimeError(f"a weight was folded into the graph as '{init.name}' {list(init.dims)}")

    def serialise(self, metadata: Mapping[str, Any]) -> bytes:
        """ONNX bytes with the present weights and ``metadata`` (plain data) as JSON."""
        for init, weight in self._slots:
            init.ClearField("float_data")
            init.raw_data = weight.detach().cpu().contiguous().numpy().tobytes()
        del self._model.metadata_props[:]
        entry = self._model.metadata_props.add()
        entry.key, entry.value = METADATA_KEY, json.dumps(metadata)
        return self._model.SerializeToString()


def _export(module: nn.Module, inputs: Mapping[str, Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
    buffer = io.BytesIO()
    module = copy.deepcopy(module).cpu().eval()  # what learns, and where, is not touched
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        # The exporter merges weights that are equal, as all those biases of zero are: make them differ.
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.uniform_(-0.1, 0.1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                tuple(inputs.values()),
                buffer,  # type: ignore[arg-type]  # the exporter takes a file object, its annotation does not say so
                input_names=list(inputs),
                output_names=list(outputs),
                dynamo=False,  # the tracing exporter: it keeps the weights' names, and needs no more packages
                do_constant_folding=False,
                opset_version=17,
            )
    finally:
        logger.setLevel(level)
    return onnx.load_from_string(buffer.getvalue())
