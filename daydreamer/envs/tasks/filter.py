"""A second-order Butterworth low-pass, so that a policy's jumps reach the motors as movements."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class LowPass:
    """A second-order Butterworth low-pass for a vector, one sample per call.

    The analogue prototype 1 / (s^2 + sqrt(2) s + 1) is taken to discrete time by the bilinear transform, warped
    so that the gain is exactly 1 / sqrt(2), -3 dB, at ``cutoff_hz``. With k = tan(pi cutoff / rate) and
    n = 1 + sqrt(2) k + k^2:

        b = [k^2, 2 k^2, k^2] / n,   a = [1, 2 (k^2 - 1) / n, (1 - sqrt(2) k + k^2) / n]
        y_t = b0 x_t + b1 x_{t-1} + b2 x_{t-2} - a1 y_{t-1} - a2 y_{t-2}

    At 1.5 Hz a step is followed to one half in 0.13 s and overshot by 5 %.

    Source: Oppenheim and Schafer, Discrete-Time Signal Processing, chapter 7, bilinear transformation.
    """

    def __init__(self, cutoff_hz: float, rate_hz: float):
        if not 0.0 < cutoff_hz < rate_hz / 2:
            raise ValueError(
                f"expected a cutoff between 0 and {rate_hz / 2} Hz, half the rate; got {cutoff_hz} Hz"
            )
        k = math.tan(math.pi * cutoff_hz / rate_hz)
        n = 1.0 + math.sqrt(2.0) * k + k * k
        self.b = (k * k / n, 2.0 * k * k / n, k * k / n)
        self.a = (1.0, 2.0 * (k * k - 1.0) / n, (1.0 - math.sqrt(2.0) * k + k * k) / n)
        self.reset(np.zeros(()))

    def reset(self, value: Array) -> None:
        """Forget the past: the input has been ``value`` for ever."""
        value = np.array(value, float)
        self._x1 = self._x2 = self._y1 = self._y2 = value

    def __call__(self, x: Array) -> Array:
        """The next output for the next input; both have the shape given to ``reset``."""
        x = np.array(x, float)
        (b0, b1, b2), (_, a1, a2) = self.b, self.a
        y: Array = b0 * x + b1 * self._x1 + b2 * self._x2 - a1 * self._y1 - a2 * self._y2
        self._x1, self._x2 = x, self._x1
        self._y1, self._y2 = y, self._y1
        return y
