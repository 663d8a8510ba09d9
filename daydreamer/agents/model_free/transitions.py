"""Transitions (s, a, r, s') out of chunks of consecutive rows."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Transitions(NamedTuple):
    """N pairs of consecutive rows."""

    seen: Tensor  # [N, K * D] before
    action: Tensor  # [N, A] chosen then
    reward: Tensor  # [N] that came with what followed
    following: Tensor  # [N, K * D] what followed
    goes_on: Tensor  # [N] 0 where the task ended there, else 1
    counts: Tensor  # [N] 0 where the second row does not continue the first, else 1


def stacked(sensed: Tensor, is_first: Tensor, frames: int) -> Tensor:
    """At each step the newest ``frames`` observations side by side, the oldest first.

    Where fewer have been seen since ``is_first`` (or the beginning of the chunk) the first one stands in for those
    before it: the policy on the robot does the same.

    Args:
        sensed: ``[B, T, D]``.
        is_first: ``[B, T]`` bool.
        frames: K.

    Returns:
        ``[B, T, K * D]``.
    """
    if frames == 1:
        return sensed
    steps = []
    past = sensed[:, :1].expand(-1, frames - 1, -1)  # [B, K - 1, D]
    for t in range(sensed.shape[1]):
        now = sensed[:, t : t + 1]
        past = torch.where(is_first[:, t, None, None], now, past)
        seen = torch.cat([past, now], 1)  # [B, K, D]
        steps.append(seen.flatten(1))
        past = seen[:, 1:]
    return torch.stack(steps, 1)


def transitions(
    sensed: Tensor, action: Tensor, reward: Tensor, is_first: Tensor, is_terminal: Tensor, frames: int = 1
) -> Transitions:
    """All pairs of a batch of chunks whose first row has ``frames`` - 1 rows before it.

    Args:
        sensed: ``[B, T, D]``.
        action: ``[B, T, A]``, chosen after ``sensed``.
        reward: ``[B, T]``, which came with ``sensed``.
        is_first: ``[B, T]`` bool: this row does not continue the one before it, so that they are no transition.
        is_terminal: ``[B, T]`` bool: no value follows.
        frames: K; T is at least K + 1.

    Returns:
        B * (T - K) pairs.
    """
    seen = stacked(sensed, is_first, frames)
    before, after = slice(frames - 1, -1), slice(frames, None)
    return Transitions(
        seen[:, before].flatten(0, 1),
        action[:, before].flatten(0, 1),
        reward[:, after].flatten(),
        seen[:, after].flatten(0, 1),
        1.0 - is_terminal[:, after].flatten().float(),
        1.0 - is_first[:, after].flatten().float(),
    )
