"""Real to sim: the stand-in's motors, friction and latency fitted to a recorded motion of a robot.

A bounded least-squares fit of the whole open-loop prediction, not of single steps: what a policy meets in the stand-in
is a simulation that nobody corrects either. The last share of the log is not looked at and tells how good the fit is.

The delays of commands and readings are one parameter: only their sum can be seen from the actor's side. While the trunk
is held the legs do not feel each other, so one simulation changes a parameter of all four legs at once, and twelve
simulations make a Jacobian of 39 columns.

Source: the trust-region reflective method, M. A. Branch et al., SIAM J. Sci. Comput. 21 (1999); scipy.optimize.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from calibration.excite import SETTLE
from calibration.hanging_legs import UNFITTED, HangingLegs, Predicted, Ticks, part
from calibration.motion_log import MotionLog
from calibration.result import Check, Line, Plot, Result, numbers
from robots.a1 import model
from robots.calibration import CalibrationError
from robots.calibration_parts import Sim
from robots.robot import Array

HELD_OUT = 0.3  # of the log's seconds
# One unit of residual: errors of this size count alike.
POS_UNIT, VEL_UNIT, TORQUE_UNIT = 0.01, 0.2, 0.5  # rad, rad/s, N m
EVERY = 2  # readings, of those that are fitted
LATENCIES = np.arange(0.0, 0.12, 0.001)  # s, tried before anything is fitted
TURNS = 8  # Gauss-Newton steps at most
ANGLE_BOUND, JOINT_BOUND, WORSE_BOUND = 0.02, 0.03, 1.0  # rad; rad, of one joint; after over before

JOINTS, LEGS, KINDS = 12, 4, 3
LOW = np.array([*[0.0] * 12, *[0.0] * 12, *[0.5] * 12, 0.3, 0.004, 0.0])
HIGH = np.array([*[5.0] * 12, *[1.0] * 12, *[1.6] * 12, 2.0, 0.2, 0.15])
STEP = np.array([*[0.05] * 12, *[0.01] * 12, *[0.02] * 12, 0.02, 0.004, 0.0005])  # of finite differences
LATENCY = len(LOW) - 1


@dataclass(frozen=True)
class Misfit:
    """Root mean square of what a prediction is off by."""

    angle: float  # rad
    speed: float  # rad/s
    torque: float  # N m
    joints: Array  # [12] rad, the first of each joint


@dataclass(frozen=True)
class Fit:
    """The parameters, and how well they and the stand-in's defaults predict seconds that were not fitted."""

    sim: Sim
    before: Misfit
    after: Misfit
    held_out_s: float
    log: MotionLog  # those seconds
    predicted: tuple[Predicted, Predicted]  # them, before and after
    stuck: tuple[str, ...] = ()  # parameters that ended where the search does


def fit(log: MotionLog, watch: Callable[[float], None] = lambda share: None) -> Fit:
    """Fit to the first part of ``log``, and look at the rest; ``watch`` is told how far it is, 0 to 1.

    Raises:
        CalibrationError: SciPy is absent, or the log is too short.
    """
    least_squares = _scipy().least_squares
    begin, end = log.time[0] + SETTLE, log.time[-1]
    middle = end - HELD_OUT * (end - begin)
    if middle - begin < 2.0:
        raise CalibrationError(
            f"a motion log of {log.seconds:.1f} s is too short to fit to; record 6 s or more"
        )
    fitted, held = _thinned(part(log, begin, middle)), part(log, middle, end)
    with closing(HangingLegs(log, middle)) as legs:
        problem = _Problem(legs, fitted, watch)
        start = problem.begin()
        found = least_squares(
            problem.residuals, start, problem.jacobian, bounds=(LOW, HIGH), x_scale=STEP, max_nfev=TURNS,
            loss="soft_l1", xtol=1e-4, ftol=1e-4,
        )  # fmt: skip
    sim = to_sim(found.x)
    with closing(HangingLegs(log, end)) as legs:
        predicted = [legs.run(one).at(held.time, one.latency_s) for one in (UNFITTED, sim)]
    before, after = (misfit(held, one) for one in predicted)
    return Fit(sim, before, after, float(end - middle), held, (predicted[0], predicted[1]), stuck(found.x))


def result(fit: Fit) -> Result:
    """The part ``sim`` of a calibration, with its checks and pictures."""
    before, after = fit.before, fit.after
    checks = (
        Check("angles on seconds not fitted, off by", after.angle, ANGLE_BOUND, "rad",
              "Did the robot hang freely and level? Are its joint offsets known?"),
        Check("those of the worst joint", float(after.joints.max()), JOINT_BOUND, "rad",
              f"Look at {model.JOINT_NAMES[int(after.joints.argmax())]}: does it rub, does a cable swing with it?"),
        Check("parameters at the end of what is looked for", float(len(fit.stuck)), 0.0, "",
              f"Not to be trusted: {', '.join(fit.stuck)}. Repeat it, and look at the pictures."),
        Check("that, over what the unfitted stand-in is off by", after.angle / max(before.angle, 1e-9), WORSE_BOUND,
              "", "The fit helps nothing: do not use it."),
    )  # fmt: skip
    notes = (
        f"on {fit.held_out_s:.1f} s that were not fitted, before and after: angles {before.angle:.4f} and "
        f"{after.angle:.4f} rad, speeds {before.speed:.3f} and {after.speed:.3f} rad/s, torques {before.torque:.2f} "
        f"and {after.torque:.2f} N m",
    )
    residuals = {
        f"{name}_{when}_{unit}": value
        for when, one in (("before", before), ("after", after))
        for name, unit, value in (
            ("angle", "rad", one.angle), ("speed", "rad_per_s", one.speed), ("torque", "n_m", one.torque),
        )
    }  # fmt: skip
    return Result(
        fit.sim,
        "open-loop prediction of a hanging motion, least squares",
        checks,
        _plots(fit),
        residuals,
        notes,
    )


def misfit(log: MotionLog, predicted: Predicted) -> Misfit:
    """What ``predicted`` is off by."""
    off = (predicted.joint_pos - log.joint_pos + log.offset, predicted.joint_vel - log.joint_vel,
           predicted.joint_torque - log.joint_torque)  # fmt: skip
    angle, speed, torque = (float(np.sqrt((one**2).mean())) for one in off)
    return Misfit(angle, speed, torque, np.sqrt((off[0] ** 2).mean(axis=0)))


def stuck(x: Array) -> tuple[str, ...]:
    """The parameters ``x`` [39] that lie at an end of their range, by name.

    Without friction, without a ramp between commands, and without latency, one may well be.
    """
    near, low = 0.01 * (HIGH - LOW), slice(24, 37)
    ends = x > HIGH - near
    ends[low] |= x[low] < (LOW + near)[low]
    names = [
        f"{of} of {joint}"
        for of in ("Coulomb friction", "viscous friction", "torque share")
        for joint in model.JOINT_NAMES
    ]
    names += ["kp share", "command interval", "latency"]
    return tuple(name for name, is_stuck in zip(names, ends, strict=True) if is_stuck)


def to_sim(x: Array) -> Sim:
    """The parameters by name."""
    coulomb, viscous, scale = x[:36].reshape(3, JOINTS)
    kp, interval, latency = (float(value) for value in x[36:])
    return Sim(latency, interval, kp, numbers(coulomb), numbers(viscous), numbers(scale))


class _Problem:
    """Residuals and their slopes, with as few simulations as will do."""

    def __init__(self, legs: HangingLegs, log: MotionLog, watch: Callable[[float], None]):
        self._legs, self._log, self._watch = legs, log, watch
        self._known: tuple[Array, Ticks] | None = None  # parameters without latency, and what they make
        self._turn = 0

    def begin(self) -> Array:
        """The stand-in's defaults, but for the latency that fits best already."""
        sim = UNFITTED
        x = np.array([*sim.coulomb_n_m, *sim.viscous_n_m_s_per_rad, *sim.torque_scale, sim.kp_scale,
                      sim.command_interval_s, 0.0])  # fmt: skip
        x[:24] = np.tile(
            [[0.3], [0.05]], JOINTS
        ).ravel()  # no motor is without friction, and from 0 there is no slope
        ticks = self._ticks(x)
        sums = [float((self._off(ticks, latency) ** 2).sum()) for latency in LATENCIES]
        x[LATENCY] = np.clip(LATENCIES[int(np.argmin(sums))], 0.001, 0.149)
        return x

    def residuals(self, x: Array) -> Array:
        """``[N * 3 * J]``."""
        return self._off(self._ticks(x), x[LATENCY]).ravel()

    def jacobian(self, x: Array) -> Array:
        """``[N * 3 * J, P]`` by finite differences."""
        here = self._off(self._ticks(x), x[LATENCY])
        slope = np.zeros((*here.shape, len(x)))
        kinds = [
            np.arange(block + kind, block + JOINTS, KINDS) for block in (0, 12, 24) for kind in range(KINDS)
        ]
        groups = [*kinds, np.array([36]), np.array([37])]
        for done, group in enumerate(groups):
            step = np.where(x[group] + STEP[group] > HIGH[group], -STEP[group], STEP[group])
            moved = x.copy()
            moved[group] += step
            change = self._off(self._legs.run(to_sim(moved)), x[LATENCY]) - here
            for leg, column in enumerate(group):
                # Of a single parameter every joint feels the change; of four, each leg feels its own.
                own = slice(None) if len(group) == 1 else slice(KINDS * leg, KINDS * (leg + 1))
                slope[:, :, own, column] = change[:, :, own] / step[leg]
            self._watch(min(1.0, (self._turn + (done + 1) / len(groups)) / TURNS))
        self._turn += 1
        ticks, half = self._ticks(x), STEP[LATENCY]
        slope[..., LATENCY] = (self._off(ticks, x[LATENCY] + half) - self._off(ticks, x[LATENCY] - half)) / (
            2 * half
        )
        return slope.reshape(-1, len(x))

    def _ticks(self, x: Array) -> Ticks:
        if self._known is None or not np.array_equal(self._known[0], x[:LATENCY]):
            self._known = (x[:LATENCY].copy(), self._legs.run(to_sim(x)))
        return self._known[1]

    def _off(self, ticks: Ticks, latency: float) -> Array:
        """``[N, 3, J]`` in units of residual."""
        log = self._log
        predicted = ticks.at(log.time, latency)
        return np.stack([
            (predicted.joint_pos - log.joint_pos + log.offset) / POS_UNIT,
            (predicted.joint_vel - log.joint_vel) / VEL_UNIT,
            (predicted.joint_torque - log.joint_torque) / TORQUE_UNIT,
        ], axis=1)  # fmt: skip


def _thinned(log: MotionLog) -> MotionLog:
    chosen = {
        name: getattr(log, name)[::EVERY] for name in ("time", "joint_pos", "joint_vel", "joint_torque")
    }
    return MotionLog(**{**vars(log), **chosen})


def _plots(fit: Fit) -> tuple[Plot, ...]:
    when = fit.log.time - fit.log.time[0]
    near = when <= 2.0
    before, after = fit.predicted
    joints = [model.JOINT_NAMES.index(f"FR_{name}") for name in model.LEG_JOINTS]
    lines = [
        Plot(f"{model.JOINT_NAMES[joint]}, seconds that were not fitted", "s", "rad", [
            Line("robot", when[near], (fit.log.joint_pos - fit.log.offset)[near, joint]),
            Line("stand-in before", when[near], before.joint_pos[near, joint]),
            Line("stand-in fitted", when[near], after.joint_pos[near, joint]),
        ])
        for joint in joints
    ]  # fmt: skip
    number = np.arange(JOINTS, dtype=float)
    friction = Plot("Friction found", "joint", "N m", [
        Line("Coulomb", number, np.array(fit.sim.coulomb_n_m), dots=True),
        Line("viscous, at 1 rad/s", number, np.array(fit.sim.viscous_n_m_s_per_rad), dots=True),
    ])  # fmt: skip
    return (*lines, friction)


def _scipy() -> Any:
    try:
        return importlib.import_module("scipy.optimize")
    except ModuleNotFoundError as error:
        raise CalibrationError("--fit-sim needs SciPy. From a clone: pip install '.[fit]'") from error
