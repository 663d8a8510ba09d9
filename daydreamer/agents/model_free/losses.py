"""The three losses of soft actor-critic, and the target of its critics, as plain functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor


def soft_target(
    reward: Tensor, goes_on: Tensor, value: Tensor, log_prob: Tensor, temperature: Tensor, discount: float
) -> Tensor:
    """What every critic should say of a transition: r + discount goes_on (min Q'(s', a') - temperature log p(a' | s')).

    Args:
        reward: ``[N]`` that came with s'.
        goes_on: ``[N]``, 0 where s' is terminal and no value follows, else 1.
        value: ``[M, N]`` of the slow critics at s' and an action a' drawn there.
        log_prob: ``[N]`` of that action.
        temperature: Scalar.
        discount: Per step.

    Source: Haarnoja et al. 2018, eq. 3 and 7.
    """
    return reward + discount * goes_on * (value.amin(0) - temperature * log_prob)


def critic_loss(value: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """Mean squared error of ``value [M, N]`` against ``target [N]``, over members and the pairs that count.

    ``counts [N]`` is 0 for two rows that are no transition. Source: Haarnoja et al. 2018, eq. 5.
    """
    return counted_mean((value - target).square().mean(0), counts)


def counted_mean(value: Tensor, counts: Tensor) -> Tensor:
    """Mean of ``value [N]`` over the pairs that count; 0 where none does."""
    return (counts * value).sum() / counts.sum().clamp(min=1)


def actor_loss(
    value: Tensor, log_prob: Tensor, counts: Tensor, temperature: Tensor, actor_value: str
) -> Tensor:
    """temperature log p(a | s) - Q(s, a), with the action drawn so that gradients pass through it.

    Args:
        value: ``[M, N]`` of the critics at that action.
        log_prob: ``[N]``.
        counts: ``[N]``, 0 for two rows that are no transition: no critic has learned what to do at the end of a stream.
        temperature: Scalar; has no gradient here.
        actor_value: Over the members: 'min' (SAC), 'mean' (DroQ).

    Source: Haarnoja et al. 2018, eq. 9; Hiraoka et al. 2022, algorithm 2, line 11.
    """
    climbed = value.amin(0) if actor_value == "min" else value.mean(0)
    return counted_mean(temperature.detach() * log_prob - climbed, counts)


def temperature_loss(
    log_temperature: Tensor, log_prob: Tensor, counts: Tensor, target_entropy: float
) -> Tensor:
    """temperature (entropy - target): too little entropy raises the temperature, too much lowers it.

    Args:
        log_temperature: Scalar with gradient.
        log_prob: ``[N]``, whose negative mean is the entropy.
        counts: ``[N]``, as in ``actor_loss``.
        target_entropy: nats, of all action dimensions together.

    Source: Haarnoja et al. 2018, eq. 18.
    """
    entropy = -counted_mean(log_prob.detach(), counts)
    return torch.exp(log_temperature) * (entropy - target_entropy)
