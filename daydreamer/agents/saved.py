"""An agent's state as bytes: tensors and plain containers only, so that a checkpoint cannot run code."""

from __future__ import annotations

import io
import logging
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from daydreamer.core.errors import CheckpointError

_log = logging.getLogger(__name__)

Parts = Mapping[str, Any]


def dumped(parts: Parts) -> bytes:
    """``parts`` (state dicts, tensors, numbers) as bytes."""
    buffer = io.BytesIO()
    torch.save(dict(parts), buffer)
    return buffer.getvalue()


def restore(
    data: bytes, parts: Callable[[], Parts], put: Callable[[Parts], None], device: torch.device
) -> None:
    """Go on from the bytes of ``dumped``.

    Args:
        data: The bytes.
        parts: Gives the present state, which comes back when ``data`` does not fit.
        put: Takes a state; raises when it does not fit.
        device: Where tensors go.

    Raises:
        CheckpointError: They cannot be read, or are of another agent; then nothing has changed.
    """
    try:
        found = _read(data, device)
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"not a readable checkpoint of an agent: {error}") from error
    before = dumped(parts())
    try:
        put(found)
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        put(_read(before, device))
        raise CheckpointError(
            f"the checkpoint is of another agent (sizes or parts differ): {error}"
        ) from error


def random_state(rng: torch.Generator) -> dict[str, Any]:
    """The state of ``rng``, as parts of a checkpoint: what it means depends on the kind of device."""
    return {"rng": rng.get_state(), "rng_device": rng.device.type}


def set_random_state(rng: torch.Generator, parts: Parts, seed: int) -> None:
    """Let ``rng`` go on as ``parts`` say, which hold ``random_state`` and ``updates``.

    The generators of a CPU and a GPU cannot go on for each other: there the numbers begin anew, from ``seed`` and how
    many updates there were.
    """
    came_from = parts.get("rng_device", "cpu")  # which was not noted while there were only CPUs
    if came_from == rng.device.type:
        rng.set_state(parts["rng"].cpu())
        return
    _log.warning(
        "the checkpoint was written on %s and goes on on %s: other random numbers follow, all else is as it was",
        came_from,
        rng.device.type,
    )
    rng.manual_seed(int(np.random.SeedSequence([seed, int(parts["updates"])]).generate_state(1)[0]))


def _read(data: bytes, device: torch.device) -> Parts:
    parts: Parts = torch.load(io.BytesIO(data), weights_only=True, map_location=device)
    return parts
