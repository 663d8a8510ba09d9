"""How warm the emulated A1's motors get. A first-order model with plausible numbers, not measured on a motor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from robots.robot import Array


@dataclass(frozen=True)
class ThermalConfig:
    """One motor: copper losses heat it, the air cools it.

    With the defaults, standing on 8 N m settles 24 K above the air, and a stall at 33.5 N m warms a motor from 30 to 60
    degC in 22 s.
    """

    ambient: float = 25.0  # degC
    start: float = 30.0  # degC
    heating: float = 0.00125  # K/s for one (N m)^2
    time_constant: float = 300.0  # s

    def __post_init__(self) -> None:
        if not (self.heating >= 0 and self.time_constant > 0):
            raise ValueError(
                "a motor's heating is zero or more and its time constant positive, "
                f"got {self.heating} and {self.time_constant}"
            )


class Thermal:
    """Temperatures of the motors: dT/dt = heating torque^2 - (T - ambient) / time_constant."""

    def __init__(self, config: ThermalConfig, motors: int, dt: float):
        """Args: ``motors``, how many; ``dt`` [s] from one ``step`` to the next."""
        self._config = config
        self.temperature = np.full(motors, config.start)
        # The exact solution over one step of constant torque, so that it is stable at any dt.
        self._keep = math.exp(-dt / config.time_constant)
        self._gain = config.heating * config.time_constant

    def step(self, torque: Array) -> Array:
        """One tick at ``torque`` [motors] N m; the new temperatures [motors] degC."""
        settled = self._config.ambient + self._gain * torque**2
        self.temperature = settled + self._keep * (self.temperature - settled)
        return self.temperature
