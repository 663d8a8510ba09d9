"""How good the base's velocity estimate is against the simulator's truth, and whether it knows how good.

For every reading, the square of what surprised the filter over what it expected to be surprised by is a chi-square
number with three degrees of freedom, if the filter is honest: 95 % of them are below 7.81. The same holds for its true
error, which only a simulator knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from calibration.truth import trot
from robots.a1 import model
from robots.a1.estimator import BaseEstimate, BaseEstimator
from robots.a1.stand import FOLDED, legs
from robots.clock import MonotonicClock, Rate
from robots.robot import Array, JointCommand, RobotState
from robots.sim.stand_in import StandIn

BAND = 7.81  # 95 % of chi-square with three degrees of freedom are below
HZ = 20.0
# estimate, true velocity [3], which feet bear [F], how fast they move over the ground [F], whether hands hold it
Seen = tuple[BaseEstimate, Array, NDArray[np.bool_], Array, bool]
SLIPS = 0.15  # m/s over the ground, from which on a foot that bears is said to slip


@dataclass(frozen=True)
class Score:
    """Of one motion; axes are the world's. Shares of nothing are NaN."""

    motion: str
    rmse: Array  # [3] m/s
    innovation: float  # mean of the normalised innovation squared; 3 is honest, more is too sure of itself
    innovation_inside: float  # share of readings within the 95 % band
    error: float  # mean of the normalised error squared
    error_inside: float
    slips_found: float  # of slipping feet
    slips_imagined: float  # of feet that stand still on the ground
    lift_found: float  # of readings in somebody's hands
    lift_imagined: float  # of all others
    finite: bool  # every number that came out was one
    update_s: float  # s of this computer that one update took, the mean of the ten fastest in a row


@dataclass(frozen=True)
class Motion:
    """What the stand-in does, and in which world."""

    name: str
    start: str
    pose: Callable[[float], Array]  # joint angles at a time
    friction: float = 0.8
    carry: Callable[[float], Array | None] = lambda time: (
        None
    )  # m/s, with which somebody carries it; None: nobody
    settle: float = 1.0  # s that are not looked at


_STAND, _FOLDED = np.tile(model.LEG_STAND, 4), legs(FOLDED)


def _lift(time: float) -> Array | None:
    """Up by half a metre, forwards and back and to the side, and held."""
    if time < 2.0:
        return None
    if time < 4.0:
        return np.array([0.0, 0.0, 0.25])
    swing = 2 * np.pi * (time - 4.0) / 4.0
    return np.array([0.4 * np.sin(swing), 0.2 * np.sin(swing), 0.0]) if time < 8.0 else np.zeros(3)


MOTIONS = (
    Motion("standing", "stand", lambda time: _STAND),
    Motion("walking", "stand", lambda time: trot(time, 0.5)),
    Motion("slipping", "stand", lambda time: trot(time, 0.8), friction=0.15),
    Motion("lifted", "stand", lambda time: trot(time, 0.2), carry=_lift),
    Motion("lying", "belly", lambda time: _FOLDED),
    Motion("thrashing on the back", "back", lambda time: trot(time, 0.8)),
)


def score(motion: Motion, seconds: float, seed: int = 0, lost: float = 0.0) -> Score:
    """Do ``motion`` on a stand-in with an A1's plausible noise, and compare.

    Args:
        motion: what to do.
        seconds: of the stand-in's clock.
        seed: of its noise and of what is lost.
        lost: share of readings that never arrive; as many more arrive with a number that is none.
    """
    rng, wall = np.random.default_rng(seed), MonotonicClock()
    seen: list[Seen] = []
    took: list[float] = []
    with StandIn(start=motion.start, seed=seed, friction=motion.friction) as robot:
        estimator, rate = BaseEstimator(robot.info), Rate(robot.clock, HZ)
        estimate = estimator.reset(robot.read())
        begun = robot.clock.now()
        while (now := robot.clock.now() - begun) < seconds:
            hands = motion.carry(now)
            robot.carry(hands)
            robot.write(JointCommand.hold(motion.pose(now), robot.info))
            rate.wait()
            state = robot.read()
            luck = rng.uniform()
            if luck > lost:
                before = wall.now()
                estimate = estimator.update(state if luck > 2 * lost else _broken(state, rng))
                took.append(wall.now() - before)
            if now > motion.settle:
                moved = robot.motion()
                seen.append(
                    (
                        estimate,
                        robot.truth()["velocity"],
                        moved.foot_contact,
                        moved.foot_speed,
                        hands is not None,
                    )
                )
    return _summed(motion.name, seen, took)


def _summed(name: str, seen: list[Seen], took: list[float]) -> Score:
    estimates, truths, down, speed, held = zip(*seen, strict=True)
    off = np.array([one.velocity_world for one in estimates]) - np.array(truths)
    variance = np.array([one.covariance[0, 0] for one in estimates])
    error = (off**2).sum(1) / variance
    innovation = np.array([one.surprise for one in estimates if one.contact.any()])
    bears = np.array([one.contact for one in estimates]) & np.array(down)
    said, slips = np.array([one.slipping for one in estimates]), np.array(speed) > SLIPS
    lifted, hands = np.array([one.lifted for one in estimates]), np.array(held)
    return Score(
        motion=name,
        rmse=np.sqrt((off**2).mean(0)),
        innovation=_mean(innovation),
        innovation_inside=_mean(innovation <= BAND),
        error=_mean(error),
        error_inside=_mean(error <= BAND),
        slips_found=_mean(said[bears & slips]),
        slips_imagined=_mean(said[bears & ~slips]),
        lift_found=_mean(lifted[hands]),
        lift_imagined=_mean(lifted[~hands]),
        finite=bool(np.isfinite(off).all() and np.isfinite(variance).all()),
        update_s=min(sum(took[at : at + 10]) / 10 for at in range(max(1, len(took) - 10))),
    )


def _broken(state: RobotState, rng: np.random.Generator) -> RobotState:
    """With one number that is none, as a torn packet may have."""
    name = ("joint_pos", "joint_vel", "quat_xyzw", "gyro", "accel", "foot_force")[int(rng.integers(6))]
    values = getattr(state, name).copy()
    values[int(rng.integers(len(values)))] = np.nan
    return replace(state, **{name: values})


def _mean(values: Array | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
