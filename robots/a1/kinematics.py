"""Where the feet of an A1 are, how fast they move, and which joint angles put them there. All closed form.

Every leg is the same chain: the hip turns about x and carries the thigh joint ``HIP_OFFSET`` outwards; thigh
and calf turn about y in the plane of the leg. In that plane, before the hip's roll, the foot is at
``(x, side * HIP_OFFSET, z)``.

Arrays are float64. Joint arrays are ``[..., 12]`` and foot arrays ``[..., 4, 3]``, legs FR, FL, RR, RL.
Positions are in the body frame, from its origin, to the centre of the foot's ball.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from robots.a1 import model
from robots.robot import Array

Three = tuple[float, float, float]

_OUT = model.SIDE * model.HIP_OFFSET  # [4] m, the thigh joint along y before the hip's roll
_THIGH, _CALF = model.THIGH_LENGTH, model.CALF_LENGTH
_OUTS: list[float] = _OUT.tolist()
_HIPS: list[Three] = [(x, y, z) for x, y, z in model.HIP_POSITION.tolist()]
_HIP_LIMIT = model.LEG_UPPER[0]


def foot_positions(q: Array) -> Array:
    """Forward kinematics: joint angles ``[..., 12]`` rad to feet ``[..., 4, 3]`` m in the body frame."""
    (roll, _, _), (sin, thigh_sin, calf_sin), (cos, thigh_cos, calf_cos) = _turns(q)
    x = -_THIGH * thigh_sin - _CALF * calf_sin
    z = -_THIGH * thigh_cos - _CALF * calf_cos
    feet = np.empty((*roll.shape, 3))
    feet[..., 0], feet[..., 1], feet[..., 2] = x, _OUT * cos - z * sin, _OUT * sin + z * cos
    feet += model.HIP_POSITION
    return feet


def jacobian(q: Array) -> Array:
    """``[..., 4, 3, 3]`` m/rad: velocity of each foot (rows) for each joint of its own leg (columns)."""
    (roll, _, _), (sin, thigh_sin, calf_sin), (cos, thigh_cos, calf_cos) = _turns(q)
    calf_x, calf_z = -_CALF * calf_sin, -_CALF * calf_cos
    x, z = calf_x - _THIGH * thigh_sin, calf_z - _THIGH * thigh_cos
    out = np.zeros((*roll.shape, 3, 3))
    # A turn about x moves (y, z) to (-z, y); a turn about y moves (x, z) to (z, -x), then the hip rolls it.
    out[..., 1, 0] = -(_OUT * sin + z * cos)
    out[..., 2, 0] = _OUT * cos - z * sin
    for column, (along_x, along_z) in enumerate(((z, -x), (calf_z, -calf_x)), start=1):
        out[..., 0, column] = along_x
        out[..., 1, column] = -along_z * sin
        out[..., 2, column] = along_z * cos
    return out


def foot_motions(q: Array, dq: Array) -> tuple[Array, Array, Array]:
    """Where the feet are, how they move and how they turn, in one pass because it runs at every reading.

    Args:
        q: Angles ``[..., 12]`` rad.
        dq: Their velocities ``[..., 12]`` rad/s.

    Returns:
        ``foot_positions`` m, their velocities m/s, and the angular velocity of each foot with its calf, rad/s, both
        relative to the body. Each ``[..., 4, 3]`` in the body frame.
    """
    _, (sin, thigh_sin, calf_sin), (cos, thigh_cos, calf_cos) = _turns(q)
    roll, thigh, calf = _pitches(dq)
    thigh_x, thigh_z = _THIGH * thigh_sin, _THIGH * thigh_cos
    calf_x, calf_z = _CALF * calf_sin, _CALF * calf_cos
    z = -thigh_z - calf_z
    lift = thigh_x * thigh + calf_x * calf
    across, down = _OUT * cos - z * sin, _OUT * sin + z * cos
    out = np.empty((3, *roll.shape, 3))
    position, velocity, turn = out
    position[..., 0], position[..., 1], position[..., 2] = -thigh_x - calf_x, across, down
    position += model.HIP_POSITION
    velocity[..., 0] = -thigh_z * thigh - calf_z * calf
    velocity[..., 1] = -down * roll - lift * sin
    velocity[..., 2] = across * roll + lift * cos
    turn[..., 0], turn[..., 1], turn[..., 2] = roll, calf * cos, calf * sin
    return position, velocity, turn


def foot_motion(leg: int, q: Sequence[float], dq: Sequence[float]) -> tuple[Three, Three, Three]:
    """``foot_motions`` of one leg, from lists of its three angles and speeds: on so few numbers ten times as fast."""
    sin, cos = math.sin(q[0]), math.cos(q[0])
    roll, thigh, calf = dq[0], dq[1], dq[1] + dq[2]
    bent = q[1] + q[2]
    thigh_x, thigh_z = _THIGH * math.sin(q[1]), _THIGH * math.cos(q[1])
    calf_x, calf_z = _CALF * math.sin(bent), _CALF * math.cos(bent)
    z = -thigh_z - calf_z
    lift = thigh_x * thigh + calf_x * calf
    out, (hip_x, hip_y, hip_z) = _OUTS[leg], _HIPS[leg]
    across, down = out * cos - z * sin, out * sin + z * cos
    position = (hip_x - thigh_x - calf_x, hip_y + across, hip_z + down)
    velocity = (-thigh_z * thigh - calf_z * calf, -down * roll - lift * sin, across * roll + lift * cos)
    return position, velocity, (roll, calf * cos, calf * sin)


def inverse(feet: Array) -> Array:
    """Inverse kinematics: feet ``[..., 4, 3]`` m in the body frame to joint angles ``[..., 12]`` rad.

    The knee bends backwards, as the A1's does. A foot can be reached below or above the hip in the leg's
    plane: the one with the hip inside its limits is taken, and below where both are. Other joint limits are
    not looked at.

    Raises:
        ValueError: a foot is out of the leg's reach.
    """
    x, y, z = np.moveaxis(np.asarray(feet, np.float64) - model.HIP_POSITION, -1, 0)
    depth_squared = y**2 + z**2 - model.HIP_OFFSET**2
    cos_calf = (x**2 + depth_squared - _THIGH**2 - _CALF**2) / (2 * _THIGH * _CALF)
    tolerance = 1e-9  # rounding at full stretch is no error
    reachable = (depth_squared > -tolerance) & (np.abs(cos_calf) < 1 + tolerance)
    if not reachable.all():
        leg = model.LEGS[int(np.argwhere(~reachable)[0][-1])]
        raise ValueError(
            f"foot {leg} cannot be put there: its leg reaches {_THIGH + _CALF} m from the thigh joint and "
            f"never nearer than {model.HIP_OFFSET} m to the hip's axis. Move the target towards the stance."
        )
    depth = np.sqrt(np.maximum(depth_squared, 0.0))
    below = _wrap(np.arctan2(z, y) - np.arctan2(-depth, _OUT))
    above = _wrap(np.arctan2(z, y) - np.arctan2(depth, _OUT))
    is_below = (np.abs(below) <= _HIP_LIMIT + tolerance) | (np.abs(below) <= np.abs(above))
    plane_z = np.where(is_below, -depth, depth)
    calf = -np.arccos(np.clip(cos_calf, -1.0, 1.0))
    thigh = np.arctan2(-x, -plane_z) - np.arctan2(_CALF * np.sin(calf), _THIGH + _CALF * np.cos(calf))
    # The thigh's range is centred on pi/2 and wider than pi, so the turn is counted from there.
    thigh = np.pi / 2 + _wrap(thigh - np.pi / 2)
    angles = np.stack([np.where(is_below, below, above), thigh, calf], axis=-1)
    return angles.reshape(*angles.shape[:-2], 12)


def _pitches(joints: Array) -> Array:
    """``[3, ..., 4]``: of each leg the hip's roll, the thigh's pitch, and the calf's pitch seen from the hip."""
    legs = np.asarray(joints, np.float64).reshape(*np.shape(joints)[:-1], 4, 3)
    out = np.array([legs[..., 0], legs[..., 1], legs[..., 2]])
    out[2] += out[1]
    return out


def _turns(q: Array) -> tuple[Array, Array, Array]:
    """The angles of ``_pitches`` with their sines and cosines, ``[3, ..., 4]`` each."""
    angles = _pitches(q)
    return angles, np.sin(angles), np.cos(angles)


def _wrap(angle: Array) -> Array:
    """The same angle in [-pi, pi) rad."""
    return (angle + np.pi) % (2 * np.pi) - np.pi
