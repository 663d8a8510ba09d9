"""The reward of DayDreamer's walking task: get up, straighten the legs, then walk, each behind a gate."""

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

    def __post_init__(self) -> None:
        if not (0.0 <= self.gate < 1.0 and self.speed > 0.0 and self.velocity_scale > 0.0):
            raise ValueError(f"expected 0 <= gate < 1 and positive speed and velocity_scale, got {self}")


def worst_deviation(stand: Array, lower: Array, upper: Array) -> Array:
    """How far each joint can get from the standing pose within its limits, ``[J]`` rad."""
    worst: Array = np.maximum(stand - lower, upper - stand)
    return worst


def walk_reward(up_z: float, deviation: Array, velocity: Array, config: WalkRewardConfig) -> dict[str, float]:
    """The terms of the reward, by the names of ``TERMS``.

    With d the deviation and v the velocity:

        upright  = up_z / 2 + 1/2                                                        in [0, 1]
        hip      = [upright > gate] (1 - mean d_hip)                                     in [0, 1]
        thigh    = [hip > gate]     (1 - mean d_thigh)                                   in [0, 1]
        calf     = [thigh > gate]   (1 - mean d_calf)                                    in [0, 1]
        velocity = [calf > gate]    (max(0, v_x) / |v|) clip(v_x / speed, -1, 1)         in [0, 1]

    Args:
        up_z: z of the body's up axis in the world, [-1, 1].
        deviation: ``[12]`` in [0, 1], |joint - standing joint| over the worst possible one;
            four legs x hip, thigh, calf.
        velocity: ``[3]`` m/s of the base in the heading frame, x forward.
        config: Gate, speed and scale.

    Source: Wu et al. 2022, DayDreamer, section 3.1 and its public code.
    """
    hips, thighs, calves = deviation.reshape(4, 3).mean(axis=0)
    upright = up_z / 2 + 0.5
    hip = float(1.0 - hips) if upright > config.gate else 0.0
    thigh = float(1.0 - thighs) if hip > config.gate else 0.0
    calf = float(1.0 - calves) if thigh > config.gate else 0.0
    forward, speed = float(velocity[0]), float(np.sqrt(velocity @ velocity))
    # Standing perfectly still has no direction of motion: it earns nothing and costs nothing.
    straight = max(0.0, forward) / speed if speed > 0.0 else 0.0
    walking = straight * min(max(forward / config.speed, -1.0), 1.0) if calf > config.gate else 0.0
    return {"upright": upright, "hip": hip, "thigh": thigh, "calf": calf, "velocity": walking}


def total(terms: dict[str, float], config: WalkRewardConfig) -> float:
    """upright + hip + thigh + calf + scale (velocity + 1) / 2: on the back 5, standing 9, walking 14."""
    posture = terms["upright"] + terms["hip"] + terms["thigh"] + terms["calf"]
    return posture + config.velocity_scale * (terms["velocity"] + 1.0) / 2.0
