"""A motion to fit a stand-in to: hanging legs that swing, slowly and fast, while torques jolt them.

Twenty targets a second as an actor sends them, from which the motors' ramp is known; slow turns for Coulomb friction,
fast ones for the viscous part and inertia; jolts, which no ramp softens, for the delay. All twelve joints at once,
because commands that came in between would hide the ramp.
"""

from __future__ import annotations

import numpy as np

from calibration.motion_log import MotionLog
from calibration.motors import MIDDLE
from calibration.session import Session
from robots.a1 import model
from robots.robot import Array, JointCommand, RobotState

SECONDS = 10.0
SETTLE = 1.0  # s held still at the beginning
TARGET_HZ = 20.0
HZ = 470.0  # no share of a servo's 500: commands meet its ticks at every moment, and wait for half of one on average
SWING = (0.25, 0.35, 0.35)  # rad to either side of the middle: hip, thigh, calf
SLOW, FAST = 0.25, 1.4  # Hz, of the two sines that a joint's target is made of
JOLT = 1.5  # N m, one way or the other
JOLT_EVERY = (0.03, 0.12)  # s, the shortest and the longest time between two jolts


def record(session: Session, robot_id: str, made: str, seconds: float = SECONDS, seed: int = 1) -> MotionLog:
    """Hang, swing, and damp. Raises CalibrationStopped."""
    session.place("hang")
    middle = np.tile(MIDDLE, len(model.LEGS))
    session.move(middle, 2.0, "legs into the middle")
    wander, feed = Swinging(seed), Jolts(seconds, seed)
    every = round(HZ / TARGET_HZ)
    sent: list[tuple[float, JointCommand]] = []
    ticks, target, torque = 0, middle, np.zeros(session.info.joints)

    def act(time: float) -> None:
        nonlocal ticks, target, torque
        new = feed(time)
        due = ticks % every == 0
        if due:
            target = middle + wander(time)
        if due or (new != torque).any():
            torque = new
            command = session.send(target, torque=torque)
            sent.append((session.robot.clock.now(), command))
        ticks += 1

    def shown(state: RobotState) -> tuple[str, float]:
        return "angle", float(state.joint_pos[1])

    log = session.record(seconds, HZ, act, "legs swing and are jolted", shown)
    session.damp(0.3)
    commands = [command for _, command in sent]
    return MotionLog(
        robot=session.info.name, robot_id=robot_id, made=made, offset=session.zero(),
        time=log.time, joint_pos=log.joint_pos, joint_vel=log.joint_vel, joint_torque=log.joint_torque,
        asked_at=np.array([at for at, _ in sent]),
        **{name: np.array([getattr(one, name) for one in commands]) for name in ("pos", "vel", "torque", "kp", "kd")},
    )  # fmt: skip


class Swinging:
    """Two sines a joint, a slow one and a fast one, that grow from rest after ``SETTLE``."""

    def __init__(self, seed: int):
        rng = np.random.default_rng(seed)
        joints = len(model.JOINT_NAMES)
        self._hz = np.stack([rng.uniform(0.8, 1.2, joints) * hz for hz in (SLOW, FAST)])
        self._phase = rng.uniform(0, 2 * np.pi, (2, joints))
        self._size = np.tile(SWING, len(model.LEGS)) * np.array([[0.65], [0.35]])

    def __call__(self, time: float) -> Array:
        """At ``time`` s."""
        grown = min(max(time - SETTLE, 0.0), 1.0)
        sines = self._size * np.sin(2 * np.pi * self._hz * time + self._phase)
        angles: Array = grown * sines.sum(0)
        return angles


class Jolts:
    """Torques ``[12]`` N m that turn about at random times, all joints together; none before ``SETTLE``."""

    def __init__(self, seconds: float, seed: int):
        rng = np.random.default_rng([seed, 1])
        steps = rng.uniform(*JOLT_EVERY, int(seconds / JOLT_EVERY[0]) + 1)
        self._turns = SETTLE + np.cumsum(steps)
        self._begin = JOLT * rng.choice((-1.0, 1.0), len(model.JOINT_NAMES))

    def __call__(self, time: float) -> Array:
        """At ``time`` s."""
        if time < SETTLE:
            return np.zeros(len(self._begin))
        torque: Array = self._begin * (1.0 - 2.0 * (int((self._turns <= time).sum()) % 2))
        return torque
