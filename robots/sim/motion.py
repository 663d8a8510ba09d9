"""How the stand-in has just moved, at every physics step: for scoring, never for learning."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robots.robot import Array

LONGEST = 1.0  # s that are remembered when nobody asks


@dataclass(frozen=True)
class Motion:
    """What happened since somebody last asked: N physics steps, and the feet at their end. No noise."""

    dt: float  # s, of one physics step
    mass: float  # kg, payload included
    joint_pos: Array  # [N, J] rad
    joint_vel: Array  # [N, J] rad/s
    torque: Array  # [N, J] N m, after every limit
    foot_contact: NDArray[np.bool_]  # [F]
    foot_speed: Array  # [F] m/s over the ground, at the foot's lowest point


class Trace:
    """Keeps the physics steps since the last ``take``, the newest second of them."""

    def __init__(self, dt: float):
        self._steps: deque[tuple[Array, Array, Array]] = deque(maxlen=max(1, round(LONGEST / dt)))

    def add(self, pos: Array, vel: Array, torque: Array) -> None:
        """Remember one step; the arrays are not copied."""
        self._steps.append((pos, vel, torque))

    def take(self, joints: int) -> tuple[Array, Array, Array]:
        """Angles, velocities and torques, each ``[N, joints]``, and forget them."""
        stacked = np.array(self._steps, float).reshape(-1, 3, joints)
        self._steps.clear()
        return stacked[:, 0], stacked[:, 1], stacked[:, 2]
