"""Feeling feet that drift: which feet stand, with hysteresis, and where zero is by now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from robots.calibration_parts import Feet
from robots.robot import Array

LIGHT = 2.0  # thresholds: a foot that reads less may be one in the air whose zero has risen
QUIET, QUIET_TIME = 3.0, 1.0  # standard deviations of the sensor, over about so many s


class FootContact:
    """Feed it every reading's raw forces; it follows the zero of a foot that is in the air.

    The zero goes towards what a foot in the air reads, with time constant ``settle``. It never goes farther from the
    calibrated zero than ``reach`` times the foot's threshold: a foot that is broken must not be believed for ever.

    A zero that has risen beyond the threshold, while the foot stood or while nobody looked, makes a foot in the air
    look like one on the ground. So a foot that reads little more than the threshold, and as quietly as one in the air,
    is followed as well: a foot that carries the body reads far more, and one that walks is not quiet.
    """

    def __init__(self, feet: Feet, settle: float = 10.0, reach: float = 5.0):
        """Args: ``settle`` [s]; ``reach`` in thresholds."""
        self._quiet = QUIET * np.array(feet.noise)
        self._mean: Array = np.zeros(len(feet.zero))
        # Of what is off the mean; it begins far too loud, so that quiet is what lasts for some seconds.
        self._square: Array = (100.0 * self._quiet + 1.0) ** 2
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
        aloft = ~self.contact | self._light_and_quiet(raw, elapsed)
        moved = self.zero + np.where(aloft, share * force, 0.0)
        self.zero = np.minimum(np.maximum(moved, self._home - self._reach), self._home + self._reach)
        shares: Array = force / threshold
        return shares

    def _light_and_quiet(self, raw: Array, elapsed: float) -> NDArray[np.bool_]:
        """``[F]``, whether what a foot has read in the last second or so is little, and noise around one value."""
        share = min(elapsed / QUIET_TIME, 1.0)
        off = raw - self._mean
        self._mean = self._mean + share * off
        self._square = self._square + share * (off**2 - self._square)
        found: NDArray[np.bool_] = (self._mean - self.zero < LIGHT * self._on) & (
            self._square <= self._quiet**2
        )
        return found
