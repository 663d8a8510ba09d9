"""What a procedure comes to: values for the calibration file, checks that passed or not, and plots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from robots.calibration_parts import Values
from robots.robot import Array


@dataclass(frozen=True)
class Check:
    """One quantity and the bound that it has to keep."""

    name: str
    value: float
    bound: float  # the largest magnitude that passes
    unit: str = ""
    advice: str = ""  # what to do when it fails

    @property
    def passed(self) -> bool:
        """Whether it is a number within its bound."""
        return math.isfinite(self.value) and abs(self.value) <= self.bound


@dataclass(frozen=True)
class Line:
    """One line of a plot; ``x`` and ``y`` are ``[N]``."""

    name: str
    x: Array
    y: Array
    dots: bool = False


@dataclass(frozen=True)
class Plot:
    """One picture of the report."""

    title: str
    x_label: str
    y_label: str
    lines: Sequence[Line]
    log: bool = False  # both axes logarithmic


@dataclass(frozen=True)
class Result:
    """One procedure's part of the calibration."""

    values: Values
    method: str
    checks: tuple[Check, ...] = ()
    plots: tuple[Plot, ...] = ()
    residuals: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Every check passed."""
        return all(check.passed for check in self.checks)


def numbers(values: Array) -> tuple[float, ...]:
    """As the calibration file wants them."""
    return tuple(float(value) for value in np.asarray(values, float))
