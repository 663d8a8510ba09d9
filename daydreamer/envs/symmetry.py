"""The A1 in a mirror: left becomes right, in every observation and action of its tasks.

A reflection in the plane y = 0 swaps the legs of each pair. It turns the y component of a vector around (gravity,
velocity), and of an axial vector (gyro) the others, x and z. A hip turns about x, so its angle changes sign; a
thigh and a calf turn about y and keep theirs. Every unit here is symmetric about 0 for hips and the same for
both legs of a pair, so this is exact in normalised units too.
"""

from __future__ import annotations

from daydreamer.core.symmetry import Symmetry

# Joints are FR, FL, RR, RL x hip, thigh, calf: legs 0 <-> 1 and 2 <-> 3.
_LEG_SWAP = (1, 0, 3, 2)
_JOINTS = (
    tuple(3 * leg + joint for leg in _LEG_SWAP for joint in range(3)),
    (-1.0, 1.0, 1.0) * 4,
)

MIRROR = Symmetry(
    {
        "joint_pos": _JOINTS,
        "joint_vel": _JOINTS,
        "gravity": ((0, 1, 2), (1.0, -1.0, 1.0)),
        "gyro": ((0, 1, 2), (-1.0, 1.0, -1.0)),
        "velocity": ((0, 1, 2), (1.0, -1.0, 1.0)),
        "target": _JOINTS,
        "action": _JOINTS,
        "applied/action": _JOINTS,
    }
)
