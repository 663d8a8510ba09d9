"""A robot's motion as lines to draw, from what was sensed or predicted; where the robot is one whose legs are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robots.a1 import model, skeleton

Arrays = Mapping[str, NDArray[Any]]
SENSED = ("joint_pos", "gravity")  # what a pose is made of, as ``WalkTask`` scales them


def motion(sensed: Arrays) -> NDArray[np.float64] | None:
    """``[..., 4, 4, 3]`` m, see ``skeleton.legs``, its lowest point on the floor; None for another robot.

    Args:
        sensed: ``joint_pos [..., 12]`` in [-1, 1] of the joints' limits, and ``gravity [..., 3]`` in the body.
    """
    if not sensed.keys() >= set(SENSED) or sensed["joint_pos"].shape[-1:] != (len(model.JOINT_NAMES),):
        return None
    info = model.info(simulated=True)
    angles = info.joint_lower + (sensed["joint_pos"] + 1) / 2 * (info.joint_upper - info.joint_lower)
    return np.asarray(skeleton.figure(angles, skeleton.upright_from_gravity(sensed["gravity"])))
