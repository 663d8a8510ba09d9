"""What only a simulator knows, logged beside what the robot senses, so that people can tell them apart."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from daydreamer.core.specs import ArraySpec, Specs

TRUTH: Specs = {
    "log/truth/up": ArraySpec(low=-1.0, high=1.0, unit="1", doc="up.z: 1 upright, -1 on the back"),
    "log/truth/forward_speed": ArraySpec(unit="m/s", doc="in the heading frame"),
    "log/truth/position": ArraySpec((3,), unit="m", doc="of the base in the world"),
}


def truth_log(truth: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float32]]:
    """The keys of ``TRUTH`` from ``Robot.truth()``."""
    x, y, z, w = truth["quat_xyzw"]
    up = min(max(1.0 - 2.0 * (x * x + y * y), -1.0), 1.0)
    # The body's x axis laid on the ground is where the robot faces; a nose straight up faces nowhere.
    ahead, left = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + w * z)
    length = math.hypot(ahead, left)
    velocity = truth["velocity"]
    speed = (ahead * velocity[0] + left * velocity[1]) / length if length > 1e-6 else 0.0
    return {
        "log/truth/up": np.asarray(up, np.float32),
        "log/truth/forward_speed": np.asarray(speed, np.float32),
        "log/truth/position": np.asarray(truth["position"], np.float32),
    }
