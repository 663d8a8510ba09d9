"""What a rollout is worth: upright, standing, walking, falls. Pure functions of recorded arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daydreamer.envs.tasks.walk import RAISED, UPRIGHT
from daydreamer.runtime.motion import MotionScore, mean_motion

MEANING = 5  # of a score: those remembered under another are made anew

GATE = 0.7  # DayDreamer's calf term above this: every gate of its reward is open
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
    falls: int  # times upright was lost after having been held for 1 s, or the robot was put up again
    upright_at_end: bool  # for all of the last 20 s
    height: float  # m, mean of the trunk over the last 20 s
    gets_up: bool  # upright for 90 % of the last 10 s
    stands: bool
    walks: bool
    first_upright: float | None  # s until it was upright for the first time
    reward: float  # mean, as DayDreamer has it, however the task rewards
    motion: MotionScore | None = None  # of a robot that tells


@dataclass(frozen=True)
class Evaluation:
    """All rollouts, and what they say together."""

    rollouts: tuple[RolloutScore, ...]
    gets_up: bool
    stands: bool
    walks: bool
    walking_speed: float
    upright: float
    standing: float
    falls: float
    reward: float
    first_upright: float | None  # s, median; None when fewer than 4 of 5 were ever upright
    motion: dict[str, float | None] | None  # means by the names of MotionScore; the worst, of peaks

    def share(self, name: str) -> float:
        """Share of the rollouts for which ``name`` ("gets_up", "stands", "walks") is true."""
        return sum(bool(getattr(rollout, name)) for rollout in self.rollouts) / len(self.rollouts)

    @property
    def rank(self) -> tuple[float, ...]:
        """Larger is better: how many walk, how many stand, and then speed for walkers, reward for others."""
        speed = self.walking_speed if self.walks else 0.0
        return self.share("walks"), self.share("stands"), speed, self.reward

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def score_rollout(
    up: NDArray[Any],
    calf: NDArray[Any],
    height: NDArray[Any],
    speed: NDArray[Any],
    reward: NDArray[Any],
    hz: float,
    ended: NDArray[np.bool_] | None = None,
) -> RolloutScore:
    """Score one rollout.

    Args:
        up: ``[N]`` true up . z.
        calf: ``[N]`` the calf term of DayDreamer's reward, which is positive only when all gates before it are open.
        height: ``[N]`` m, true, of the trunk above the floor.
        speed: ``[N]`` m/s, true forward speed in the heading frame.
        reward: ``[N]``, DayDreamer's.
        hz: Steps per second.
        ended: ``[N]`` steps at which the task ended by a fall and the robot was put up again; none by default. Whoever
            is put up again has neither got up nor stands.
    """
    ended = np.zeros(len(up), bool) if ended is None else ended
    upright = (up > UPRIGHT) & ~ended
    standing = upright & (calf > GATE) & (height > RAISED)
    last_stand, last_walk = (min(len(up), round(s * hz)) for s in (STANDS_LAST, WALKS_LAST))
    standing_share = float(standing[-last_stand:].mean())
    walking_speed = float(speed[-last_walk:].mean())
    upright_at_end, mean_height = bool(upright[-last_walk:].all()), float(height[-last_walk:].mean())
    alone = not ended[-last_stand:].any()
    first = int(np.argmax(upright)) / hz if upright.any() else None
    return RolloutScore(
        seconds=len(up) / hz,
        upright=float(upright.mean()),
        standing=standing_share,
        walking_speed=walking_speed,
        falls=count_falls(upright, round(HELD * hz), ended),
        upright_at_end=upright_at_end,
        height=mean_height,
        gets_up=alone and float(upright[-last_stand:].mean()) >= STANDS_SHARE,
        stands=alone and standing_share >= STANDS_SHARE,
        walks=walking_speed >= WALKING and upright_at_end and mean_height >= RAISED,
        first_upright=first,
        reward=float(reward.mean()),
    )


def count_falls(upright: NDArray[np.bool_], held: int, ended: NDArray[np.bool_]) -> int:
    """How often ``upright`` [N] turns False after having been True for at least ``held`` steps, or is ``ended`` [N]."""
    falls = run = 0
    for now, end in zip(upright, ended, strict=True):
        if end or (not now and run >= held):
            falls += 1
        run = run + 1 if now else 0
    return falls


def summarise(rollouts: Sequence[RolloutScore]) -> Evaluation:
    """A run gets up, stands, or walks, when at least four rollouts of five do; the numbers are means."""
    enough = math.ceil(ENOUGH * len(rollouts))

    def most(name: str) -> bool:
        return sum(getattr(rollout, name) for rollout in rollouts) >= enough

    def mean(name: str) -> float:
        return float(np.mean([getattr(rollout, name) for rollout in rollouts]))

    risen = sorted(rollout.first_upright for rollout in rollouts if rollout.first_upright is not None)
    motions = [rollout.motion for rollout in rollouts if rollout.motion is not None]
    return Evaluation(
        rollouts=tuple(rollouts),
        gets_up=most("gets_up"),
        stands=most("stands"),
        walks=most("walks"),
        walking_speed=mean("walking_speed"),
        upright=mean("upright"),
        standing=mean("standing"),
        falls=mean("falls"),
        reward=mean("reward"),
        first_upright=float(np.median(risen)) if len(risen) >= enough else None,
        motion=mean_motion(motions) if motions else None,
    )


def evaluation_from_dict(data: Mapping[str, Any]) -> Evaluation:
    """The inverse of ``Evaluation.to_dict``, through JSON or not."""
    rollouts = []
    for rollout in data["rollouts"]:
        motion = rollout["motion"]
        rollouts.append(RolloutScore(**{**rollout, "motion": MotionScore(**motion) if motion else None}))
    return summarise(rollouts)
