"""The torque that holds a hanging leg, from the vendor's masses: the one weight that is always at hand."""

from __future__ import annotations

import numpy as np

from robots.a1 import model
from robots.a1.estimator import GRAVITY
from robots.robot import Array

# kg, and m from the joint with the link straight down; y grows outwards from the body. The vendor's description.
THIGH_MASS, THIGH_CENTRE = 1.013, (-0.003237, -0.022327, -0.027326)
CALF_MASS, CALF_CENTRE = 0.166, (0.006435, 0.0, -0.107388)
FOOT_MASS = 0.06


def holding_torque(joints: Array) -> Array:
    """Torques ``[..., 12]`` N m that hold legs at ``joints [..., 12]`` rad when the trunk is level."""
    eps = 1e-5
    out = np.empty(np.shape(joints))
    for joint in range(12):
        step = np.zeros(12)
        step[joint] = eps
        out[..., joint] = (_energy(joints + step) - _energy(joints - step)) / (2 * eps)
    return out


def _energy(joints: Array) -> Array:
    """Potential energy of all four legs, J."""
    legs = np.reshape(joints, (*np.shape(joints)[:-1], 4, 3))
    roll, thigh, calf = legs[..., 0], legs[..., 1], legs[..., 1] + legs[..., 2]
    knee_z = -model.THIGH_LENGTH * np.cos(thigh)

    def height(y: Array | float, z: Array) -> Array:
        """In the world, of a point at ``y`` outwards and ``z`` up in the leg's plane."""
        out: Array = np.sin(roll) * model.SIDE * (model.HIP_OFFSET + y) + np.cos(roll) * z
        return out

    def down(centre: tuple[float, float, float], angle: Array) -> Array:
        out: Array = -centre[0] * np.sin(angle) + centre[2] * np.cos(angle)
        return out

    parts = (
        (THIGH_MASS, height(THIGH_CENTRE[1], down(THIGH_CENTRE, thigh))),
        (CALF_MASS, height(CALF_CENTRE[1], knee_z + down(CALF_CENTRE, calf))),
        (FOOT_MASS, height(0.0, knee_z - model.CALF_LENGTH * np.cos(calf))),
    )
    energy: Array = GRAVITY * sum((mass * z for mass, z in parts), np.zeros(roll.shape)).sum(-1)
    return energy
