"""The reward of DayDreamer's walking task: get up, straighten the legs, then walk, each behind a gate.

As DayDreamer has it, a body that leans by 30 degrees loses 0.07 of 14, and robots learnt to push themselves along with
their nose on the ground. ``level`` makes legs and speed count only as far as the body is level. As the gates are on
what counts, they shut at some lean: with (0.4, 0.95) at 38 degrees when the legs stand perfectly, earlier when not.
And a body that lies on its belly with its legs nearly as if it stood opens every gate; one learnt to make the velocity
estimate err there. ``height`` makes calves and speed count only as far as the trunk is up.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TERMS = ("upright", "hip", "thigh", "calf", "velocity")


@dataclass(frozen=True)
class WalkRewardConfig:
    """Constants of the reward; the defaults are DayDreamer's."""

    gate: float = 0.7  # a term counts while the one before it is above this
    speed: float = 0.3  # m/s, forward speed that earns the whole velocity term
    velocity_scale: float = 10.0  # the velocity term's share of the reward
    # Where a term begins to count, and from where in full; None, as DayDreamer has it: at once.
    level: tuple[float, float] | None = None  # up_z, for legs and speed
    height: tuple[float, float] | None = None  # m of the trunk above the ground, for calves and speed

    def __post_init__(self) -> None:
        if not (0.0 <= self.gate < 1.0 and self.speed > 0.0 and self.velocity_scale > 0.0):
            raise ValueError(f"expected 0 <= gate < 1 and positive speed and velocity_scale, got {self}")
        if self.height is not None and not (len(self.height) == 2 and 0.0 <= self.height[0] < self.height[1]):
            raise ValueError(
                f"expected height to be two lengths in m, the lower one first, or none, got {self.height}"
            )
        if self.level is not None and not (
            len(self.level) == 2 and -1.0 <= self.level[0] < self.level[1] <= 1.0
        ):
            raise ValueError(
                f"expected level to be two values of up_z, the lower one first, or none, got {self.level}"
            )

    def levelness(self, up_z: float) -> float:
        """0 at the lower end of ``level`` and below, 1 at its upper end and above; 1 without it."""
        return _between(self.level, up_z)

    def raised(self, height: float) -> float:
        """The same of ``height``."""
        return _between(self.height, height)


def _between(ends: tuple[float, float] | None, value: float) -> float:
    if ends is None:
        return 1.0
    low, high = ends
    return min(max((value - low) / (high - low), 0.0), 1.0)


def worst_deviation(stand: Array, lower: Array, upper: Array) -> Array:
    """How far each joint can get from the standing pose within its limits, ``[J]`` rad."""
    worst: Array = np.maximum(stand - lower, upper - stand)
    return worst


def walk_reward(
    up_z: float, deviation: Array, velocity: Array, config: WalkRewardConfig, height: float = np.inf
) -> dict[str, float]:
    """The terms of the reward, by the names of ``TERMS``.

    With d the deviation, v the velocity, l the levelness, and r how far the trunk is raised, both 1 for DayDreamer:

        upright  = up_z / 2 + 1/2                                                        in [0, 1]
        hip      = [upright > gate] l (1 - mean d_hip)                                   in [0, 1]
        thigh    = [hip > gate]     l (1 - mean d_thigh)                                 in [0, 1]
        calf     = [thigh > gate]   l r (1 - mean d_calf)                                in [0, 1]
        velocity = [calf > gate]    l r (max(0, v_x) / |v|) clip(v_x / speed, -1, 1)     in [0, 1]

    Args:
        up_z: z of the body's up axis in the world, [-1, 1].
        deviation: ``[12]`` in [0, 1], |joint - standing joint| over the worst possible one;
            four legs x hip, thigh, calf.
        velocity: ``[3]`` m/s of the base in the heading frame, x forward.
        config: Gate, speed, scale, level and height.
        height: m of the trunk's centre above the ground.

    Source: Wu et al. 2022, DayDreamer, section 3.1 and its public code; l and r are ours.
    """
    hips, thighs, calves = deviation.reshape(4, 3).mean(axis=0)
    upright, level, raised = up_z / 2 + 0.5, config.levelness(up_z), config.raised(height)
    hip = level * float(1.0 - hips) if upright > config.gate else 0.0
    thigh = level * float(1.0 - thighs) if hip > config.gate else 0.0
    calf = level * raised * float(1.0 - calves) if thigh > config.gate else 0.0
    forward, speed = float(velocity[0]), float(np.sqrt(velocity @ velocity))
    # Standing perfectly still has no direction of motion: it earns nothing and costs nothing.
    straight = max(0.0, forward) / speed if speed > 0.0 else 0.0
    walking = (
        level * raised * straight * min(max(forward / config.speed, -1.0), 1.0) if calf > config.gate else 0.0
    )
    return {"upright": upright, "hip": hip, "thigh": thigh, "calf": calf, "velocity": walking}


def total(terms: dict[str, float], config: WalkRewardConfig) -> float:
    """upright + hip + thigh + calf + scale (velocity + 1) / 2: on the back 5, standing 9, walking 14."""
    posture = terms["upright"] + terms["hip"] + terms["thigh"] + terms["calf"]
    return posture + config.velocity_scale * (terms["velocity"] + 1.0) / 2.0


def extremes(config: WalkRewardConfig) -> tuple[float, float]:
    """The least and the most that ``total`` can be."""
    return config.velocity_scale / 2.0, 4.0 + config.velocity_scale
