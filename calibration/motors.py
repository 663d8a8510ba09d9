"""The motors, on hanging legs: friction, the weight of the leg as a check of the torque, and the gains that they have.

Friction: each kind of joint sweeps to and fro, slowly and fast. At one angle the leg's weight is the same both ways,
and friction is not; it changes with the speed, and inertia acts at the turns: least squares tells them apart. The
weight is known, so what is read for it tells the torque constant.

Gains: while the joints hold a pose, a small torque is fed that jumps at random times. What the motor makes of the
angles and speeds that follow are its kp and kd.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.imu import smooth
from calibration.leg_weight import holding_torque
from calibration.result import Check, Line, Plot, Result, numbers
from calibration.session import Log, Session
from robots.a1 import model
from robots.calibration_parts import Motors
from robots.robot import Array, RobotState

SPEEDS = (0.7, 3.0)  # rad/s
LAPS = {0.7: 1, 3.0: 5}  # how often there and back
HALF = {"hip": 0.45, "thigh": 0.55, "calf": 0.55}  # rad to either side of the middle
MIDDLE = (0.0, 0.6, -1.8)  # rad of every leg
STEADY = 8.0  # rad/s^2; what turns faster has more to it than friction and weight
# N m/rad of a joint that swings. A target that comes in steps makes a torque of kp x step, and a robot that answers
# commands is read just after one: stiff joints would seem to rub more at speed.
SWEEP_KP = 40.0
SLOWEST = 0.3  # rad/s; slower than this friction has no clear direction
HZ = 100.0
FAST_HZ = 500.0
KICK = 3.0  # N m fed: more than friction
KICKING = 3.0  # s
AROUND = 0.005  # s, to either side of a jump
LONGEST_DELAY = 0.15  # s that is looked for
LAGS = np.arange(0.0, 0.06, 0.004)  # s that a jump is felt

FRICTION_BOUND, TORQUE_BOUND, GAIN_BOUND, LINE_BOUND = 3.0, 0.35, 0.25, 0.5


def measure(session: Session) -> Result:
    """All of it. Raises CalibrationStopped."""
    session.place("hang")
    middle = np.tile(MIDDLE, len(model.LEGS))
    session.move(middle, 2.0, "legs into the middle")
    count = session.info.joints
    sweeps: list[list[Log]] = []
    for kind, name in enumerate(model.LEG_JOINTS):
        joints = np.arange(kind, count, len(model.LEG_JOINTS))
        sweeps.append(
            [
                sweep(session, middle, joints, HALF[name], speed, f"{name}s swing at {speed:g} rad/s")
                for speed in SPEEDS
            ]
        )
        session.move(middle, 0.8, "back to the middle")
    log = kick(session, middle, "motors held against jolts")
    session.damp(0.3)  # before anything is computed: a stiff robot must not wait for commands
    fits = [identify(sweeps[joint % len(sweeps)], session.zero(), joint) for joint in range(count)]
    found, misfit = np.array([fit for fit, _ in fits]), np.array([left for _, left in fits])
    lines = [
        Line(name, logs[0].joint_pos[:, kind], logs[0].joint_torque[:, kind], dots=True)
        for kind, (name, logs) in enumerate(zip(model.LEG_JOINTS, sweeps, strict=True))
    ]
    torque_factor = found[:, 0]
    coulomb, viscous = (np.maximum(found[:, column], 0.0) / torque_factor for column in (1, 2))
    kp, kd = gains(log, session.info.default_kp, session.info.default_kd, middle + session.zero())
    # A calf is so light that it answers within a few readings: over a network its gains are not known well.
    slow = np.arange(count) % len(model.LEG_JOINTS) != model.LEG_JOINTS.index("calf")
    checks = (
        Check("largest Coulomb friction", float(coulomb.max()), FRICTION_BOUND, "N m", "A joint rubs: look at it."),
        Check("torque constant is off by", float(np.abs(torque_factor - 1).max()), TORQUE_BOUND, "of 1",
              "Does the robot hang level, its legs free? Is there a load on a leg?"),
        Check("kp of hips and thighs is off by", float(np.abs(kp[slow] - 1).max()), GAIN_BOUND, "of it"),
        Check("kd of hips and thighs is off by", float(np.abs(kd[slow] - 1).max()), 2 * GAIN_BOUND, "of it"),
        Check("torque that is not explained", float(misfit.max()), LINE_BOUND, "N m", "A leg touched something."),
    )  # fmt: skip
    plots = (
        Plot("Torque to and fro: the gap is friction, the slope the weight", "rad", "N m", lines),
        Plot("Friction", "joint", "N m", [
            Line("Coulomb", np.arange(count, dtype=float), coulomb, dots=True),
            Line("viscous, at 1 rad/s", np.arange(count, dtype=float), viscous, dots=True),
        ]),
    )  # fmt: skip
    values = Motors(
        coulomb_n_m=numbers(coulomb),
        viscous_n_m_s_per_rad=numbers(viscous),
        kp_factor=numbers(kp),
        kd_factor=numbers(kd),
        torque_factor=numbers(torque_factor),
    )
    return Result(
        values, "hanging legs, sweeps and jolts", checks, plots, {"torque_misfit_n_m": float(misfit.max())}
    )


def sweep(
    session: Session, middle: Array, joints: NDArray[np.intp], half: float, speed: float, doing: str
) -> Log:
    """``joints`` to and fro around ``middle``, at constant ``speed`` rad/s but for the ends."""
    lap = 4 * half / speed
    info = session.info
    kp = info.default_kp.copy()
    kp[joints] = SWEEP_KP

    def act(time: float) -> None:
        pos = middle.copy()
        pos[joints] += _triangle(time, half, lap)
        session.hold(pos, kp)

    first = int(joints[0])

    def shown(state: RobotState) -> tuple[str, float]:
        return f"{info.joint_names[first]} torque", float(state.joint_torque[first])

    return session.record((LAPS[speed] + 0.25) * lap, HZ, act, doing, shown)


def identify(logs: list[Log], zero: Array, joint: int) -> tuple[Array, float]:
    """Torque factor, Coulomb N m and viscous N m s/rad of ``joint``, and the standard deviation of what is left, N m.

    Least squares of torque = factor weight(angles) + coulomb sign(speed) + viscous speed + inertia acceleration.
    """
    columns, torques = [], []
    for log in logs:
        speed = smooth(log.joint_vel[:, joint], 5)
        acceleration = np.gradient(speed, log.time)
        going = (np.abs(speed) > SLOWEST) & (np.abs(acceleration) < STEADY)
        weight = holding_torque(log.joint_pos[going] - zero)[:, joint]
        columns.append(np.stack([weight, np.sign(speed[going]), speed[going], acceleration[going]], axis=1))
        torques.append(log.joint_torque[going, joint])
    design, torque = np.concatenate(columns), np.concatenate(torques)
    found = np.linalg.lstsq(design, torque, rcond=None)[0]
    return found[:3], float((torque - design @ found).std())


def jolts(count: int, seconds: float) -> Callable[[float], Array]:
    """A torque ``[J]`` N m at every time: plus or minus KICK, jumping at random times, each leg by itself."""
    rng = np.random.default_rng(1)
    steps = rng.integers(6, 24, size=(count, int(seconds * FAST_HZ / 6) + 2)) / FAST_HZ
    edges = np.cumsum(steps, axis=1)
    begin = rng.choice((-1.0, 1.0), size=count)

    def at(time: float) -> Array:
        flips = (edges <= time).sum(1)
        torque: Array = KICK * begin * (1.0 - 2.0 * (flips % 2))
        return torque

    return at


def kick(session: Session, pos: Array, doing: str, seconds: float = KICKING) -> Log:
    """Hold ``pos`` while a torque that jumps at random is fed to every joint; after a moment to become stiff."""
    session.record(0.7, 50.0, lambda time: session.hold(pos), doing)
    torque_at = jolts(session.info.joints, seconds)

    def act(time: float) -> Array:
        torque = torque_at(time)
        session.hold(pos, torque=torque)
        return torque

    return session.record(
        seconds, FAST_HZ, act, doing, lambda state: ("torque", float(state.joint_torque[0]))
    )


def fed(log: Log, delay: float) -> Array:
    """The torque ``[N, J]`` that was asked ``delay`` s before each reading."""
    index = np.searchsorted(log.asked_at, log.time - delay, side="right") - 1
    chosen: Array = log.asked[np.clip(index, 0, None)]
    return chosen


def delay_of(log: Log) -> float:
    """The delay in s at which ``fed`` explains the torque that was read best, all joints together."""
    return best_delay(log, log.joint_torque, 0.0, LONGEST_DELAY)


def best_delay(log: Log, measured: Array, low: float, high: float) -> float:
    """By cross-correlation on a grid, finer in a second pass; the middle of the best where it is flat."""
    centred = measured - measured.mean(0)

    def match(delay: float) -> float:
        x = fed(log, delay)
        x = x - x.mean(0)
        return float(((x * centred).sum(0) / np.sqrt((x**2).sum(0) + 1e-12)).sum())

    coarse = np.arange(low, high, 0.002)
    best = coarse[int(np.argmax([match(delay) for delay in coarse]))]
    fine = np.arange(best - 0.004, best + 0.004, 0.0001)
    scores = np.array([match(delay) for delay in fine])
    top = fine[scores >= scores.max() - 1e-9 * abs(scores.max())]
    return float(top.mean())


def gains(log: Log, kp: Array, kd: Array, target: Array) -> tuple[Array, Array]:
    """Effective kp and kd over those asked, ``[J]`` each, while ``target`` [J] rad was held.

    Least squares in two stages: of angles and speeds only what the jolts explain is used, because noise in them would
    make every gain look small.
    """
    delay = delay_of(log)
    # Around a jump nobody knows to which side of it a reading belongs.
    calm = fed(log, delay - AROUND) == fed(log, delay + AROUND)
    jolted = [fed(log, delay + lag) for lag in LAGS]
    factors = []
    for joint in range(len(kp)):
        # A torque is made of the angles before it, not of those that it led to.
        error, speed = target[joint] - log.joint_pos[:-1, joint], log.joint_vel[:-1, joint]
        one, kept = np.ones(len(error)), calm[1:, joint]
        feed = [past[1:, joint] for past in jolted]
        sides = np.stack([kp[joint] * error, -kd[joint] * speed, feed[0], one], axis=1)[kept]
        causes = np.stack([*feed, one], axis=1)[kept]
        explained = causes @ np.linalg.lstsq(causes, sides, rcond=None)[0]
        factors.append(np.linalg.lstsq(explained, log.joint_torque[1:, joint][kept], rcond=None)[0][:2])
    found = np.array(factors)
    return found[:, 0], found[:, 1]


def _triangle(time: float, half: float, lap: float) -> float:
    """A triangle wave between -``half`` and ``half`` that begins at 0, upwards."""
    phase = (time / lap + 0.25) % 1.0
    return half * (4 * phase - 1 if phase < 0.5 else 3 - 4 * phase)
