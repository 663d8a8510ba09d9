"""An agent's state as bytes: tensors and plain containers only, so that a checkpoint cannot run code."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import torch

from daydreamer.core.errors import CheckpointError

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


def _read(data: bytes, device: torch.device) -> Parts:
    parts: Parts = torch.load(io.BytesIO(data), weights_only=True, map_location=device)
    return parts
