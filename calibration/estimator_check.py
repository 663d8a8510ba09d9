"""How good the base's velocity estimate is against the simulator's truth, and whether it knows how good.

For every reading the error's square over the filter's own variance is a chi-square number with three degrees of
freedom, if the filter is honest: 95 % of them are below 7.81.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calibration.truth import trot
from robots.a1 import model
from robots.a1.estimator import BaseEstimator, EstimatorConfig
from robots.a1.stand import FOLDED, legs
from robots.clock import Rate
from robots.robot import Array, JointCommand
from robots.sim.stand_in import StandIn

BAND = 7.81  # 95 % of chi-square with three degrees of freedom are below
HZ = 20.0


@dataclass(frozen=True)
class Score:
    """Of one motion; axes are the world's."""

    motion: str
    rmse: Array  # [3] m/s
    inside: float  # share of readings whose error is within the 95 % band that the filter claims
    mean: float  # of the normalised squared error; 3 is honest, more is too sure of itself


@dataclass(frozen=True)
class Motion:
    """What the stand-in does, and in which world."""

    name: str
    start: str
    pose: Callable[[float], Array] | None  # joint angles at a time; None: damped
    friction: float = 0.8
    settle: float = 1.0  # s that are not looked at


_STAND, _FOLDED = np.tile(model.LEG_STAND, 4), legs(FOLDED)

MOTIONS = (
    Motion("standing", "stand", lambda time: _STAND),
    Motion("walking", "stand", lambda time: trot(time, 0.5)),
    Motion("slipping", "stand", lambda time: trot(time, 0.8), friction=0.15),
    Motion("lifted", "hang", lambda time: trot(time, 0.5)),
    Motion("lying", "belly", lambda time: _FOLDED),
    Motion("thrashing on the back", "back", lambda time: trot(time, 0.8)),
)


def score(motion: Motion, seconds: float, seed: int = 0, config: EstimatorConfig | None = None) -> Score:
    """Do ``motion`` on a stand-in with an A1's plausible noise, and compare."""
    errors, normalised = [], []
    with StandIn(start=motion.start, seed=seed, friction=motion.friction) as robot:
        estimator, rate = BaseEstimator(robot.info, config), Rate(robot.clock, HZ)
        estimator.reset(robot.read())
        begun = robot.clock.now()
        while (now := robot.clock.now() - begun) < seconds:
            if motion.pose is None:
                robot.write(JointCommand.damp(robot.read(), robot.info))
            else:
                robot.write(JointCommand.hold(motion.pose(now), robot.info))
            rate.wait()
            estimate = estimator.update(robot.read())
            if now > motion.settle:
                error = estimate.velocity_world - robot.truth()["velocity"]
                errors.append(error)
                normalised.append(float(error @ np.linalg.solve(estimate.covariance, error)))
    rmse = np.sqrt((np.array(errors) ** 2).mean(0))
    return Score(motion.name, rmse, float((np.array(normalised) <= BAND).mean()), float(np.mean(normalised)))
