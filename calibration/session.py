"""A guarded robot in the hands of a procedure: slow moves, recordings at a fixed rate, and a way out at every tick."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from robots.a1.stand import MOTIONS, damp, play
from robots.clock import Rate
from robots.robot import Array, JointCommand, Robot, RobotError, RobotInfo, RobotState

MOVE_HZ = 50.0  # targets a second of a move
FAST_HZ = 500.0


class CalibrationStopped(RobotError):
    """The measurement was not finished; the text says why."""


class Rig(Protocol):
    """Whoever can put the robot into a pose: a person, or the simulator."""

    def place(self, pose: str) -> Robot:
        """The robot, connected, guarded and passive, in ``pose``. Raises CalibrationStopped."""
        ...

    def close(self) -> None:
        """Damp and let go of the robot. Idempotent."""
        ...


# pose -> what a person is asked to do
POSES = {
    "hang": "hang the robot up by its trunk, level, its legs free to swing all around",
    "belly": "lay the robot on its belly on a level, hard floor, legs folded under it, room of 1 m around",
    "back": "lay the robot on its back, still",
    "left": "lay the robot on its left side, and support it so that it lies still",
    "right": "lay the robot on its right side, and support it so that it lies still",
    "nose-up": "stand the robot on its tail, its nose up, and hold it still",
    "nose-down": "stand the robot on its nose, and hold it still",
}
# pose -> where up is then, in the body: forwards, left, up
UP = {
    "hang": (0.0, 0.0, 1.0), "belly": (0.0, 0.0, 1.0), "back": (0.0, 0.0, -1.0), "left": (0.0, -1.0, 0.0),
    "right": (0.0, 1.0, 0.0), "nose-up": (1.0, 0.0, 0.0), "nose-down": (-1.0, 0.0, 0.0),
}  # fmt: skip
TILTED = 45.0  # degrees from a pose that are still that pose: how the IMU is mounted is yet to be found out


@dataclass(frozen=True)
class Progress:
    """For whoever watches."""

    doing: str
    share: float  # of this measurement, 0 to 1
    name: str = ""  # of the quantity being measured
    value: float = 0.0


@dataclass(frozen=True)
class Log:
    """A recording; every array begins with N, the number of readings. Raw, as the robot reads."""

    time: Array  # [N] s, of the reading
    read_at: Array  # [N] s, when it was read
    joint_pos: Array  # [N, J] rad
    joint_vel: Array  # [N, J] rad/s
    joint_torque: Array  # [N, J] N m
    quat_xyzw: Array  # [N, 4]
    gyro: Array  # [N, 3] rad/s
    accel: Array  # [N, 3] m/s^2
    foot_force: Array  # [N, F]
    temperature: Array  # [N, J] degC
    asked_at: Array  # [M] s, when a command was written
    asked: Array  # [M, J] N m, the torque in that command


class Session:
    """One robot, one rig, one stop button. Motions are commanded in true angles once ``offset`` is known."""

    def __init__(
        self,
        rig: Rig,
        stop: Callable[[], str | None] = lambda: None,
        watch: Callable[[Progress], None] = lambda progress: None,
    ):
        """Args: ``stop`` says why to end, asked at every tick; ``watch`` is told what is going on."""
        self._rig, self._stop, self._watch = rig, stop, watch
        self._robot: Robot | None = None
        self.pose = ""
        self._up = False  # it stands, or gets up: let go of, it would fall
        self.offset: Array = np.zeros(0)  # [J] rad, raw minus true; empty until known

    @property
    def robot(self) -> Robot:
        """The robot. Raises CalibrationStopped when it was not placed yet."""
        if self._robot is None:
            raise CalibrationStopped("the robot was not placed yet")
        return self._robot

    @property
    def info(self) -> RobotInfo:
        """The robot's."""
        return self.robot.info

    def place(self, pose: str) -> None:
        """Have the robot put into ``pose``, unless it is there; then it is passive.

        Raises:
            CalibrationStopped: told to, its safety stopped it, or the IMU says that it lies otherwise.
        """
        if pose != self.pose:
            self.pose, self._up = "", False
            self._robot = self._rig.place(pose)
            self.pose = pose
        self.damp(0.2)
        felt = up(self.robot.read().quat_xyzw[None])
        off = math.degrees(math.acos(np.clip(felt @ UP[pose], -1.0, 1.0)))
        if not off <= TILTED:
            self.pose = ""
            raise CalibrationStopped(
                f"the robot is not in the pose '{pose}', but {off:.0f} degrees off: up is {felt[0]:+.2f} forwards, "
                f"{felt[1]:+.2f} left and {felt[2]:+.2f} up in its body, as the IMU says. Please {POSES[pose]}"
            )

    def zero(self) -> Array:
        """The joints' offsets ``[J]`` rad, as far as they are known."""
        return self.offset if self.offset.size else np.zeros(self.info.joints)

    def read(self) -> RobotState:
        """The newest reading, raw."""
        self.check()
        return self.robot.read()

    def hold(
        self, pos: Array, kp: Array | None = None, kd: Array | None = None, torque: Array | None = None
    ) -> None:
        """Command true angles ``pos`` [J] rad, for one tick."""
        self.send(pos, kp, kd, torque)

    def send(
        self, pos: Array, kp: Array | None = None, kd: Array | None = None, torque: Array | None = None
    ) -> JointCommand:
        """As ``hold``; returns what was really sent, raw."""
        self.check()
        info, none = self.info, np.zeros(self.info.joints)
        command = JointCommand(
            pos + self.zero(), none, none.copy() if torque is None else torque,
            info.default_kp.copy() if kp is None else kp, info.default_kd.copy() if kd is None else kd,
        )  # fmt: skip
        return self.robot.write(command)

    def move(self, pos: Array, seconds: float, doing: str = "moving") -> None:
        """Go to true angles ``pos`` [J] rad on an S curve, from wherever the joints are."""
        rate = Rate(self.robot.clock, MOVE_HZ)
        start, steps = self.read().joint_pos - self.zero(), max(1, round(seconds * MOVE_HZ))
        for step in range(1, steps + 1):
            share = step / steps
            self.hold(start + (3 - 2 * share) * share**2 * (pos - start))
            rate.wait()
            self.robot.read()
            self.tell(doing, share)

    def record(
        self,
        seconds: float,
        hz: float,
        act: Callable[[float], Array | None] = lambda time: None,
        doing: str = "measuring",
        shown: Callable[[RobotState], tuple[str, float]] = lambda state: ("", 0.0),
        until: Callable[[float, RobotState], bool] = lambda time, state: False,
    ) -> Log:
        """Read at ``hz`` for ``seconds``, or ``until`` it is enough.

        ``act(t)`` commands before every reading and may return the torque it asked.

        While nothing else is commanded the robot damps.
        """
        clock, rows, asked = self.robot.clock, [], []
        rate, begun = Rate(clock, hz), clock.now()
        ticks = max(2, round(seconds * hz))
        last = -1
        for tick in range(ticks):
            self.check()
            now = clock.now()
            torque = act(now - begun)
            if torque is not None:
                # When it has left: working it out is no delay of the robot.
                asked.append((clock.now(), torque))
            rate.wait()
            state = self.robot.read()
            if state.seq != last:
                rows.append((clock.now(), state))
                last = state.seq
            if tick % max(1, round(hz / 20)) == 0:
                self.tell(doing, (tick + 1) / ticks, *shown(state))
            if until(now - begun, state):
                break
        return _log(rows, asked)

    def passive(
        self, seconds: float, hz: float, doing: str, shown: Callable[[RobotState], tuple[str, float]]
    ) -> Log:
        """Record a robot that damps."""
        info = self.info

        def act(time: float) -> None:
            self.robot.write(JointCommand.damp(self.robot.read(), info))

        return self.record(seconds, hz, act, doing, shown)

    def stand(self) -> None:
        """From the belly onto the feet."""
        self._up = True
        for point in MOTIONS["stand"]:
            self.move(point.pos, point.seconds, "standing up")
        self.pose = "stand"

    def lie(self) -> None:
        """Down onto the belly, and damp."""
        self._lay_down()
        self.damp(0.3)
        self.pose = "belly"

    def damp(self, seconds: float) -> None:
        """Let the motors only resist."""
        self.check()
        self._up = False
        damp(self.robot, seconds)

    @contextmanager
    def ending_damped(self) -> Iterator[None]:
        """Whatever happens inside, the last command damps.

        A robot that stands is laid down before, unless its own safety has stopped it, or Ctrl-C came again.
        """
        try:
            yield
        except KeyboardInterrupt:
            self._up = False
            raise
        finally:
            try:
                if self._up:
                    with suppress(RobotError):  # then it does not obey, and is let go of
                        self._lay_down()
            finally:
                self._rig.close()
                self.pose, self._robot, self._up = "", None, False

    def _lay_down(self) -> None:
        """A stop waits for it, because half-way down it would drop the robot; the robot's own safety does not."""
        play(self.robot, MOTIONS["lie"], hold=0.2, stopped=lambda: self.robot.stopped)
        self._up = False

    def tell(self, doing: str, share: float, name: str = "", value: float = 0.0) -> None:
        """Say what is going on."""
        self._watch(Progress(doing, share, name, value))

    def check(self) -> None:
        """Raises CalibrationStopped when told to stop, or when the robot's safety has stopped it."""
        if why := self._why():
            raise CalibrationStopped(f"the measurement was stopped: {why}")

    def _why(self) -> str:
        return self._stop() or self.robot.stopped


def up(quat_xyzw: Array) -> Array:
    """The mean direction of up ``[3]`` in the frame of ``quat_xyzw [N, 4]``."""
    x, y, z, w = (quat_xyzw / np.linalg.norm(quat_xyzw, axis=1, keepdims=True)).T
    mean = np.array([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]).mean(1)
    unit: Array = mean / np.linalg.norm(mean)
    return unit


def _log(rows: list[tuple[float, RobotState]], asked: list[tuple[float, Array]]) -> Log:
    states = [state for _, state in rows]
    names = (
        "joint_pos",
        "joint_vel",
        "joint_torque",
        "quat_xyzw",
        "gyro",
        "accel",
        "foot_force",
        "temperature",
    )
    return Log(
        time=np.array([state.time for state in states]),
        read_at=np.array([at for at, _ in rows]),
        asked_at=np.array([at for at, _ in asked]),
        asked=np.array([torque for _, torque in asked]),
        **{name: np.array([getattr(state, name) for state in states]) for name in names},
    )
