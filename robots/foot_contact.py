"""Feeling feet that drift: which feet stand, with hysteresis, and where zero is by now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robots.calibration_parts import Feet
from robots.robot import Array


class FootContact:
    """Feed it every reading's raw forces; it follows the zero of a foot that is in the air.

    The zero goes towards what a foot in the air reads, with time constant ``settle``. It never goes farther from the
    calibrated zero than ``reach`` times the foot's threshold: a foot that is broken must not be believed for ever.
    """

    def __init__(self, feet: Feet, settle: float = 10.0, reach: float = 5.0):
        """Args: ``settle`` [s]; ``reach`` in thresholds."""
        self._home = np.array(feet.zero)
        self._on, self._off = np.array(feet.contact_on), np.array(feet.contact_off)
        self._settle, self._reach = settle, reach * self._on
        self.zero: Array = self._home.copy()  # [F], the robot's own unit
        self.contact: NDArray[np.bool_] = np.zeros(len(self._home), bool)
        self._time: float | None = None

    def update(self, raw: Array, time: float) -> Array:
        """Forces ``[F]`` above zero, in thresholds: 1 or more is a foot on the ground. ``time`` in s."""
        if not np.isfinite(raw).all():
            return raw - self.zero  # what is no number is for others to refuse; it must not be remembered
        elapsed = 0.0 if self._time is None else min(max(time - self._time, 0.0), 1.0)
        self._time = time
        force = raw - self.zero
        threshold = np.where(self.contact, self._off, self._on)
        self.contact = force >= threshold
        share = elapsed / self._settle
        moved = self.zero + np.where(self.contact, 0.0, share * force)
        self.zero = np.minimum(np.maximum(moved, self._home - self._reach), self._home + self._reach)
        shares: Array = force / threshold
        return shares
