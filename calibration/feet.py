"""The feet: what they read in the air, how that wanders, and from which force on a foot stands."""

from __future__ import annotations

import numpy as np

from calibration.imu import smooth
from calibration.result import Check, Line, Plot, Result, numbers
from calibration.session import Log, Session
from robots.calibration_parts import Feet
from robots.robot import Array, RobotState

HZ = 100.0
AIR = 5.0  # s hanging
STAND = 1.5  # s standing
ON = 0.12  # of a foot's load when all four stand: less is a touch ...
NOISE_ON, NOISE_OFF = 6.0, 3.5  # ... and it must be so many standard deviations above zero
OFF = 0.5  # of ON: hysteresis
LEAST = 1e-3  # units, of any threshold
FEELS = 3.0  # a foot's load over its threshold, or it feels too little to be used
DRIFT_BOUND = 1.0  # units a second


def measure(session: Session) -> Result:
    """Hang and stand. Raises CalibrationStopped."""
    session.place("hang")
    air = session.passive(AIR, HZ, "feet in the air", _shown)
    at = air.time - air.time.mean()
    zero, drift = air.foot_force.mean(0), at @ air.foot_force / (at @ at)
    noise = (air.foot_force - at[:, None] * drift).std(0)
    session.place("belly")
    session.stand()
    stand_pos = session.info.stand_pos
    session.record(0.5, 50.0, lambda time: session.hold(stand_pos), "standing")
    stood = session.record(STAND, HZ, lambda time: session.hold(stand_pos), "standing", _shown)
    session.lie()
    load = stood.foot_force.mean(0) - zero
    on, off = thresholds(load, noise)
    checks = (
        Check("least load over threshold, of 3", FEELS / max(float((load / on).min()), 1e-9), 1.0, "",
              "A foot feels too little: look at its rubber and its cable."),
        Check("drift", float(np.abs(drift).max()), DRIFT_BOUND, "1/s", "Let the feet warm up, then measure again."),
        Check("one foot bears", float(load.max() / max(load.sum(), 1e-9)), 0.6, "of all", "Is the floor level?"),
    )  # fmt: skip
    plots = (_plot("Feet in the air", air), _plot("Feet standing", stood))
    values = Feet(
        zero=numbers(zero), noise=numbers(noise), contact_on=numbers(on), contact_off=numbers(off),
        drift_per_s=numbers(drift),
    )  # fmt: skip
    residuals = {"zero_std_error": float(noise.max() / np.sqrt(len(at))), "least_load": float(load.min())}
    return Result(values, "hanging, then standing", checks, plots, residuals)


def thresholds(load: Array, noise: Array) -> tuple[Array, Array]:
    """From which force above zero ``[F]`` a foot has landed, and below which it has left."""
    on = np.maximum(np.maximum(ON * load, NOISE_ON * noise), LEAST)
    off = np.minimum(np.maximum(np.maximum(OFF * on, NOISE_OFF * noise), LEAST), on)
    return on, off


def _plot(title: str, log: Log) -> Plot:
    where = log.time - log.time[0]
    feet = range(log.foot_force.shape[1])
    return Plot(
        title,
        "s",
        "the robot's unit",
        [Line(f"foot {i}", where, smooth(log.foot_force[:, i], 9)) for i in feet],
    )


def _shown(state: RobotState) -> tuple[str, float]:
    return "foot force", float(state.foot_force.max())
