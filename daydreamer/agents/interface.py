"""What every agent here asks of the specs it is made for and of the batches it is given."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from daydreamer.core.errors import DaydreamerError, SpecMismatch
from daydreamer.core.specs import ArraySpec, Specs
from daydreamer.core.transition import Batch, sensed


def device_called(name: str) -> str:
    """``name``, where torch has such a device on this computer: cpu, cuda, cuda:1.

    Raises:
        DaydreamerError: It has not.
    """
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:  # the latter: torch was built without it
        reason = str(error).splitlines()[0]
        raise DaydreamerError(
            f"torch {torch.__version__} has no device '{name}' here: {reason}. "
            "Leave it out with --set learner.device=cpu, or install a torch that was built for it"
        ) from error
    return name


def the_action(act_spec: Specs, who: str) -> tuple[str, ArraySpec]:
    """Key and spec of the one action. Raises SpecMismatch unless it is one vector in [-1, 1]."""
    if len(act_spec) != 1:
        raise SpecMismatch(f"{who} controls one action vector, got {sorted(act_spec)}")
    key, spec = next(iter(act_spec.items()))
    if len(spec.shape) != 1 or (spec.low, spec.high) != (-1, 1):
        raise SpecMismatch(f"{who}'s action is a vector in [-1, 1], got {spec}")
    return key, spec


def the_senses(obs_spec: Specs) -> dict[str, ArraySpec]:
    """What an agent may encode. Raises SpecMismatch when that is nothing."""
    found = sensed(obs_spec)
    if not found:
        raise SpecMismatch(f"nothing to observe among {sorted(obs_spec)}")
    return found


def tensors(batch: Batch, wanted: Mapping[str, str], device: torch.device) -> dict[str, Tensor]:
    """Of ``batch`` the keys that are values of ``wanted``, under its names, on ``device``.

    Raises:
        SpecMismatch: One is missing.
    """
    missing = sorted(set(wanted.values()) - set(batch))
    if missing:
        raise SpecMismatch(f"the batch lacks {missing}; it has {sorted(batch)}")
    return {
        name: torch.from_numpy(np.ascontiguousarray(batch[key])).to(device) for name, key in wanted.items()
    }
