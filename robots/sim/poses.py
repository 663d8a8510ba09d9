"""How a stand-in starts: on its back, on its belly, or standing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from robots.a1 import model
from robots.robot import Array, RobotError


@dataclass(frozen=True)
class Pose:
    """Where the trunk is put and how the legs are bent, before gravity has its say."""

    height: float  # m, trunk centre above ground
    roll: float  # rad
    leg: tuple[float, float, float]  # rad, hip, thigh, calf of every leg
    held: bool  # True: the legs hold their pose while settling; False: they are only damped
    settle: float  # s of physics before anybody looks
    pitch: float = 0.0  # rad, before the roll
    fixed: bool = False  # the trunk is held in the air, as in a stand

    @property
    def quat_xyzw(self) -> Array:
        """Body to world ``[4]``."""
        (sr, cr), (sp, cp) = ((np.sin(a / 2), np.cos(a / 2)) for a in (self.roll, self.pitch))
        return np.array([sr * cp, cr * sp, sr * sp, cr * cp])

    def joints(self, rng: np.random.Generator, jitter: float) -> Array:
        """Joint angles ``[12]`` rad, each moved by at most ``jitter`` rad and kept inside its limits."""
        legs = len(model.LEGS)
        angles = np.tile(np.array(self.leg), legs) + rng.uniform(-jitter, jitter, 3 * legs)
        inside: Array = np.clip(angles, np.tile(model.LEG_LOWER, legs), np.tile(model.LEG_UPPER, legs))
        return inside


POSES = {
    "back": Pose(height=0.08, roll=np.pi, leg=(0.0, 1.2, -2.4), held=False, settle=1.0),
    "belly": Pose(height=0.11, roll=0.0, leg=(0.0, 1.5, -2.6), held=False, settle=1.0),
    "stand": Pose(height=0.275, roll=0.0, leg=model.LEG_STAND, held=True, settle=0.5),
    # In the hands of a person, or in a stand: for measurements.
    "hang": Pose(height=0.7, roll=0.0, leg=model.LEG_STAND, held=False, settle=1.0, fixed=True),
    "left": Pose(height=0.7, roll=-np.pi / 2, leg=model.LEG_STAND, held=False, settle=1.0, fixed=True),
    "right": Pose(height=0.7, roll=np.pi / 2, leg=model.LEG_STAND, held=False, settle=1.0, fixed=True),
    "nose-up": Pose(0.7, 0.0, model.LEG_STAND, held=False, settle=1.0, pitch=-np.pi / 2, fixed=True),
    "nose-down": Pose(0.7, 0.0, model.LEG_STAND, held=False, settle=1.0, pitch=np.pi / 2, fixed=True),
}


def pose(name: str) -> Pose:
    """The pose called ``name``. Raises RobotError, naming the choices, when there is none."""
    if name not in POSES:
        raise RobotError(f"no start pose is called '{name}'; there are {', '.join(POSES)}")
    return POSES[name]
