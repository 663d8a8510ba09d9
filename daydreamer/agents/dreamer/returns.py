"""Lambda-returns."""

from __future__ import annotations

import torch
from torch import Tensor


def lambda_return(reward: Tensor, value: Tensor, disc: Tensor, lambda_: float) -> Tensor:
    """Returns ``[H, N]`` of an imagined rollout of H steps from step 0.

    ``reward``, ``value`` and ``disc`` are ``[H + 1, N]``: what holds at each of the H + 1 states; entry 0 of
    reward and disc is not used.

        R_t = r_{t+1} + disc_{t+1} ((1 - lambda) v_{t+1} + lambda R_{t+1}),   R_H = v_H

    Source: DreamerV2, eq. 4.
    """
    horizon = reward.shape[0] - 1
    # what does not depend on the later return, for all steps at once
    fixed = reward[1:] + disc[1:] * (1 - lambda_) * value[1:]
    out = [value[horizon]]
    for t in reversed(range(horizon)):
        out.append(fixed[t] + disc[t + 1] * lambda_ * out[-1])
    return torch.stack(out[:0:-1])
