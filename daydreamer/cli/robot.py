"""``daydreamer robot``: the first minutes with a robot: look at it, stand it up, lay it down, let it go."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from daydreamer.cli.closed_pipe import say
from daydreamer.cli.options import Estop, log_to_stderr
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.stop_signals import StopSignals
from robots.a1.driver import A1
from robots.a1.stand import MOTIONS, ON_ITS_BACK, MotionStopped, damp, play, up_z
from robots.clock import Rate
from robots.registry import HARDWARE, make
from robots.robot import JointCommand, RobotState
from robots.safety import latch
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard

Guarded = A1 | SafetyGuard  # an A1's servo process guards by itself


@dataclass(frozen=True)
class RobotCommand:
    """Move a robot by script, guarded. Whatever happens it is left damped.

    read: motors off, print the sensors. passive: damp. stand: get up, from its back too, stand, lie down, damp.
    lie: lie down, damp. Ctrl-C lays it down. Hang it up or clear the floor first, and keep the stop button in hand.
    reset: you, the --operator, have looked at a robot that was stopped, and it may move again.
    """

    what: Annotated[Literal["read", "passive", "stand", "lie", "reset"], tyro.conf.Positional]
    robot: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME", help="a1, a1-sdk, a1-emulated, a1-sim, fake; none: a1-emulated, and a1 to reset"
        ),
    ] = None
    seconds: Annotated[float, tyro.conf.arg(help="of reading, of being passive, of standing")] = 5.0
    dry_run: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(help="everything but motion: an A1 is still asked to damp, or it would not answer"),
    ] = False
    host: Annotated[str | None, tyro.conf.arg(help="of an A1 that is not at its usual address")] = None
    port: Annotated[int | None, tyro.conf.arg(help="of that A1")] = None
    start: Annotated[
        Literal["back", "belly"] | None, tyro.conf.arg(help="how an emulated or simulated robot lies")
    ] = None

    estop: Estop = ""
    operator: Annotated[
        str, tyro.conf.arg(metavar="NAME", help="who looked at the robot and says that it may move again")
    ] = ""

    def run(self) -> int:
        """Do it; exit code 2 when the robot did not obey."""
        log_to_stderr()
        if not 0 <= self.seconds < math.inf:  # told now, not by a robot that stands already
            raise DaydreamerError(f"--seconds is a time of 0 s or more, got {self.seconds}")
        if self.what == "reset":
            return self._reset()
        robot = self._make()
        print(f"connecting to {robot.info.name}", flush=True)
        with StopSignals() as stop, robot:
            action = {
                "read": self._read,
                "passive": self._passive,
                "stand": self._stand,
                "lie": self._lie,
            }[self.what]
            action(robot, stop)
            if robot.stopped:
                print(f"the robot does not obey: {robot.stopped}")
                return 2
            _show(robot.read())
        print("damped, and let go")
        return stop.exit_code

    def _make(self) -> Guarded:
        name = self.robot or "a1-emulated"
        chosen = {"host": self.host, "port": self.port, "start": self.start}
        options: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
        if name.startswith("a1") and name != "a1-sim":
            options |= {"estop": self.estop, "latch": self.what != "read" and name in HARDWARE}
        made = make(name, **options)
        return made if isinstance(made, A1) else SafetyGuard(made, SafetyConfig.of(made.info), self.estop)

    def _reset(self) -> int:
        """Forget the stop on disk; exit code 2 when the robot keeps none there."""
        address: dict[str, Any] = {} if self.host is None else {"host": self.host}
        robot = make(self.robot or "a1", **address)
        file = robot.latch_file if isinstance(robot, A1) else None
        if file is None:
            print(f"robot '{robot.info.name}' keeps no stop on disk: a restart is its reset", file=sys.stderr)
            return 2
        stop = latch.reset(file, self.operator)
        if stop is None:
            print(f"robot '{robot.info.name}' is not stopped ({file} is not there)")
        else:
            print(f"{stop.text()}\nreset by {self.operator}: it may move again")
            print("A program that drives it now keeps it stopped until it is reset in that program, too.")
        return 0

    def _read(self, robot: Guarded, stop: Callable[[], str | None]) -> None:
        rate = Rate(robot.clock, 4.0)
        for _ in range(max(1, round(4.0 * self.seconds))):
            if stop():
                return
            _show(robot.read())
            rate.wait()
        if isinstance(robot, A1):
            print("  ".join(f"{name} {value:.4g}" for name, value in robot.statistics().items()))

    def _passive(self, robot: Guarded, stop: Callable[[], str | None]) -> None:
        damp(robot, self.seconds, self.dry_run)

    def _stand(self, robot: Guarded, stop: Callable[[], str | None]) -> None:
        try:
            if up_z(robot.read()) < ON_ITS_BACK:
                self._play(robot, "recover", stop)
            self._play(robot, "stand", stop)
            self._hold(robot, stop)
        except MotionStopped:
            if robot.stopped:
                return
        self._lie(robot, lambda: None)

    def _lie(self, robot: Guarded, stop: Callable[[], str | None]) -> None:
        self._play(robot, "lie", stop)
        damp(robot, 0.5, self.dry_run)

    def _play(self, robot: Guarded, name: str, stop: Callable[[], str | None]) -> None:
        say(f"{name}{' (dry run)' if self.dry_run else ''}")
        play(robot, MOTIONS[name], stopped=lambda: robot.stopped or stop() or "", dry=self.dry_run)

    def _hold(self, robot: Guarded, stop: Callable[[], str | None]) -> None:
        rate = Rate(robot.clock, 20.0)
        for _ in range(round(20.0 * self.seconds)):
            if stop() or robot.stopped:
                return
            if not self.dry_run:
                robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
            rate.wait()


def _show(state: RobotState) -> None:
    """One reading, in four lines."""
    with np.printoptions(precision=2, suppress=True, linewidth=110, floatmode="fixed"):
        print(f"up {up_z(state):+.2f}  gyro {state.gyro} rad/s  accel {state.accel} m/s^2")
        print(f"  joints {state.joint_pos} rad")
        print(f"  torque {state.joint_torque} N m")
        print(f"  feet {state.foot_force}  warmest motor {state.temperature.max():.0f} degC", flush=True)
