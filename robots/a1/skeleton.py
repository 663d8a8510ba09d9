"""A robot as lines, from its joint angles: for pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robots.a1 import model
from robots.a1.kinematics import foot_positions


def is_known(joint_names: Sequence[str]) -> bool:
    """True for a robot whose legs can be drawn."""
    return tuple(joint_names) == model.JOINT_NAMES


def legs(joint_pos: NDArray[Any]) -> NDArray[np.float64]:
    """Hip, thigh joint, knee and foot of each leg, ``[..., 4, 4, 3]`` m in the body frame, from ``[..., 12]`` rad."""
    q = np.asarray(joint_pos, np.float64)
    foot = foot_positions(q)
    # In the leg's plane, before the hip rolls it: out along y, then down along the thigh.
    angles = q.reshape(*q.shape[:-1], 4, 3)
    roll, thigh = angles[..., 0], angles[..., 1]
    sin, cos = np.sin(roll), np.cos(roll)
    out = model.SIDE * model.HIP_OFFSET
    hip = np.broadcast_to(model.HIP_POSITION, foot.shape)
    joint = hip + np.stack([np.zeros_like(sin), out * cos, out * sin], -1)
    along, down = -model.THIGH_LENGTH * np.sin(thigh), -model.THIGH_LENGTH * np.cos(thigh)
    knee = joint + np.stack([along, -down * sin, down * cos], -1)
    return np.stack([hip, joint, knee, foot], -2)


def figure(joint_pos: NDArray[Any], rotation: NDArray[Any]) -> list[Any]:
    """``legs`` in the world, its lowest point on the floor, as plain numbers: ``[..., 4, 4, 3]`` m to the millimetre.

    Args:
        joint_pos: ``[..., 12]`` rad.
        rotation: ``[..., 3, 3]`` body to world.
    """
    points = np.einsum("...ij,...lpj->...lpi", rotation, legs(joint_pos))
    points[..., 2] -= points[..., 2].min((-1, -2))[..., None, None]
    plain: list[Any] = np.round(points, 3).tolist()
    return plain


def upright_from_gravity(gravity: NDArray[Any]) -> NDArray[np.float64]:
    """``[..., 3, 3]`` body to world from which way is down in the body, ``[..., 3]``; x of the body stays ahead."""
    up = -np.asarray(gravity, np.float64)
    up = up / np.maximum(np.linalg.norm(up, axis=-1, keepdims=True), 1e-9)
    ahead = np.zeros_like(up)
    ahead[..., 0] = 1.0
    left = np.cross(up, ahead)
    flat = np.linalg.norm(left, axis=-1, keepdims=True)
    left = np.where(flat > 1e-6, left / np.maximum(flat, 1e-9), np.array([0.0, 1.0, 0.0]))
    return np.stack([np.cross(left, up), left, up], -2)


def from_quaternion(quat_xyzw: NDArray[Any]) -> NDArray[np.float64]:
    """``[3, 3]`` body to world."""
    x, y, z, w = np.asarray(quat_xyzw, np.float64)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
