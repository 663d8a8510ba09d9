"""What a rollout is worth: upright, standing, walking, falls. Pure functions of recorded arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 0.9  # up . z above this
GATE = 0.7  # the reward's calf term above this: every gate of the reward is open
WALKING = 0.2  # m/s
STANDS_LAST, STANDS_SHARE = 10.0, 0.9  # s, share of it
WALKS_LAST = 20.0  # s
HELD = 1.0  # s upright after which losing it is a fall
ENOUGH = 0.8  # share of the rollouts: 4 of 5


@dataclass(frozen=True)
class RolloutScore:
    """One rollout from lying on the back."""

    seconds: float
    upright: float  # share of the time
    standing: float  # share of the last 10 s
    walking_speed: float  # m/s, mean forward speed in the heading frame over the last 20 s
    falls: int  # times upright was lost after having been held for 1 s
    upright_at_end: bool  # for all of the last 20 s
    stands: bool
    walks: bool
    first_upright: float | None  # s until it was upright for the first time
    reward: float  # mean


@dataclass(frozen=True)
class Evaluation:
    """All rollouts, and what they say together."""

    rollouts: tuple[RolloutScore, ...]
    stands: bool
    walks: bool
    walking_speed: float
    upright: float
    standing: float
    falls: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def score_rollout(
    up: NDArray[Any], calf: NDArray[Any], speed: NDArray[Any], reward: NDArray[Any], hz: float
) -> RolloutScore:
    """Score one rollout.

    Args:
        up: ``[N]`` true up . z.
        calf: ``[N]`` the reward's calf term, which is positive only when all gates before it are open.
        speed: ``[N]`` m/s, true forward speed in the heading frame.
        reward: ``[N]``.
        hz: Steps per second.
    """
    upright = up > UPRIGHT
    standing = upright & (calf > GATE)
    last_stand, last_walk = (min(len(up), round(s * hz)) for s in (STANDS_LAST, WALKS_LAST))
    standing_share = float(standing[-last_stand:].mean())
    walking_speed = float(speed[-last_walk:].mean())
    upright_at_end = bool(upright[-last_walk:].all())
    first = int(np.argmax(upright)) / hz if upright.any() else None
    return RolloutScore(
        seconds=len(up) / hz,
        upright=float(upright.mean()),
        standing=standing_share,
        walking_speed=walking_speed,
        falls=count_falls(upright, round(HELD * hz)),
        upright_at_end=upright_at_end,
        stands=standing_share >= STANDS_SHARE,
        walks=walking_speed >= WALKING and upright_at_end,
        first_upright=first,
        reward=float(reward.mean()),
    )


def count_falls(upright: NDArray[np.bool_], held: int) -> int:
    """How often ``upright`` [N] turns False after having been True for at least ``held`` steps."""
    falls = run = 0
    for now in upright:
        if not now and run >= held:
            falls += 1
        run = run + 1 if now else 0
    return falls


def summarise(rollouts: Sequence[RolloutScore]) -> Evaluation:
    """A run stands, or walks, when at least four rollouts of five do; the numbers are means."""
    enough = math.ceil(ENOUGH * len(rollouts))
    mean = {
        name: float(np.mean([getattr(rollout, name) for rollout in rollouts]))
        for name in ("walking_speed", "upright", "standing", "falls")
    }
    return Evaluation(
        rollouts=tuple(rollouts),
        stands=sum(rollout.stands for rollout in rollouts) >= enough,
        walks=sum(rollout.walks for rollout in rollouts) >= enough,
        **mean,
    )
