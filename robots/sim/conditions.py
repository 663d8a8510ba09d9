"""What a stand-in is like where robots differ: the ground, the load, the motors. Fixed, or drawn from a range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robots.a1 import model
from robots.robot import Array, RobotError

Range = float | Sequence[float]  # one value, or a pair (low, high) to draw from, uniformly


@dataclass(frozen=True)
class Conditions:
    """One draw."""

    friction: float  # between robot and ground
    payload: float  # kg on the trunk
    kp_scale: float  # the position gain that the motors really have, over the one they were told
    max_torque: float  # N m, of every motor


class Drawn:
    """Draws conditions from their ranges; the same seed draws the same ones."""

    def __init__(
        self, friction: Range, payload: Range, kp_scale: Range, max_torque: Range, rng: np.random.Generator
    ):
        """Raises RobotError, with its name, for a range that is none."""
        self._spans = {
            "friction": span("friction", friction),
            "payload": span("payload", payload),
            "kp_scale": span("kp_scale", kp_scale),
            "max_torque": span("max_torque", max_torque),
        }
        self._rng = rng

    def next(self) -> Conditions:
        """The next draw."""
        return Conditions(**{name: float(self._rng.uniform(*pair)) for name, pair in self._spans.items()})


@dataclass(frozen=True)
class Nearby:
    """Factors that make one robot out of a fitted one; 1 everywhere is that one itself."""

    coulomb: Array  # [12]
    viscous: Array  # [12]
    torque: Array  # [12], of what the joints get
    latency: float


class Around:
    """Draws robots around a fitted one: domain randomisation. The same seed draws the same ones."""

    def __init__(self, spread: float, rng: np.random.Generator):
        """Raises RobotError unless ``spread``, the largest difference of a factor from 1, is in [0, 1)."""
        if not 0 <= spread < 1:
            raise RobotError(f"spread is a share in [0, 1), got {spread}")
        self.spread, self._rng = spread, rng

    def next(self) -> Nearby:
        """The next draw; without a spread nothing is drawn."""
        joints = len(model.JOINT_NAMES)
        if not self.spread:
            return Nearby(np.ones(joints), np.ones(joints), np.ones(joints), 1.0)
        low, high = 1 - self.spread, 1 + self.spread
        coulomb, viscous, torque = self._rng.uniform(low, high, (3, joints))
        return Nearby(coulomb, viscous, torque, float(self._rng.uniform(low, high)))


def span(name: str, value: Range) -> tuple[float, float]:
    """``value`` as (low, high).

    Raises:
        RobotError: It is neither a number nor a pair in order, or it is negative or not finite.
    """
    try:
        low, high = (value, value) if isinstance(value, (int, float)) else (float(v) for v in value)
    except (TypeError, ValueError) as error:
        raise RobotError(f"{name} is a number or a pair [low, high], got {value!r}") from error
    if not 0 <= low <= high < math.inf:
        raise RobotError(f"{name} is zero or more, or a pair [low, high] of such, got {value}")
    return float(low), float(high)


def motor_share(weak_joint: str, weak_scale: float) -> Array:
    """``[12]``, the share of its torque that each motor gives: 1, but ``weak_scale`` for ``weak_joint``.

    Raises:
        RobotError: No joint has that name, or the scale is not within 0 and 1.
    """
    share = np.ones(len(model.JOINT_NAMES))
    if not 0 <= weak_scale <= 1:
        raise RobotError(f"weak_scale is a share in [0, 1], got {weak_scale}")
    if weak_joint:
        if weak_joint not in model.JOINT_NAMES:
            raise RobotError(f"weak_joint: there is no '{weak_joint}' among {', '.join(model.JOINT_NAMES)}")
        share[model.JOINT_NAMES.index(weak_joint)] = weak_scale
    return share
