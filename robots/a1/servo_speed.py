"""How well the servo keeps its rate on this computer, and how soon a stop reaches the motors of an emulated A1."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robots.a1.emulated import EmulatedA1
from robots.a1.emulated_box import EmulatedBox
from robots.a1.stand import FOLDED, HZ, MOTIONS, legs, play
from robots.clock import Rate
from robots.robot import Array, JointCommand, RobotError

KEYS = ("rate_hz", "late_p50_ms", "late_p99_ms", "late_max_ms", "missed")
PRESSES_PER_SECOND, FEWEST, MOST = 2.0, 5, 100
# Commands come from this process, and the box's heartbeat too: how late they are is not what is measured.
PATIENT = {"command_hold": 2.0, "command_damp": 4.0, "state_hold": 2.0, "state_damp": 4.0}
BOX_SILENCE = 1.0  # s
GIVE_UP = 10.0  # s


def servo_speed(seconds: float = 10.0) -> dict[str, float]:
    """Stand an emulated A1 up, command it 20 times a second for ``seconds``, and read the servo's own figures.

    Then press an emulated stop box again and again, at random moments while the robot is commanded, up to 100 times.

    Returns:
        rate_hz: ticks a second. late_p50_ms, late_p99_ms, late_max_ms: how late ticks began. missed: deadlines left
        out. All since the servo started, standing up included. estop_p50_ms, estop_p99_ms: from the byte that leaves
        the box to the robot's motors damping, by the robot's own log. estop_presses: how many.

    Raises:
        RobotError: PyBullet or pyserial is absent, or the robot stopped obeying.
    """
    with tempfile.TemporaryDirectory() as directory, EmulatedBox() as box:
        log = Path(directory) / "robot.jsonl"
        robot = EmulatedA1(
            start="belly",
            emulator={"log": str(log)},
            safety=PATIENT,
            estop=box.port,
            estop_silence=BOX_SILENCE,
        )
        with robot:
            play(robot, MOTIONS["stand"], stopped=lambda: robot.stopped)
            rate = Rate(robot.clock, HZ)
            for _ in range(max(1, round(HZ * seconds))):
                robot.write(JointCommand.hold(robot.info.stand_pos, robot.info))
                robot.read()
                rate.wait()
            statistics = robot.statistics()
            play(robot, MOTIONS["lie"], stopped=lambda: robot.stopped)
            count = min(MOST, max(FEWEST, round(PRESSES_PER_SECOND * seconds)))
            late: Array = 1000 * np.array(_Presses(robot, box, log).run(count))
    return {
        **{name: statistics[name] for name in KEYS},
        "estop_p50_ms": float(np.percentile(late, 50)),
        "estop_p99_ms": float(np.percentile(late, 99)),
        "estop_max_ms": float(late.max()),
        "estop_presses": float(count),
    }


@dataclass
class _Presses:
    """A robot that lies folded and holds that pose, until someone presses stop."""

    robot: EmulatedA1
    box: EmulatedBox
    log: Path

    def run(self, count: int) -> list[float]:
        """Seconds from each of ``count`` presses to damping motors."""
        rng = random.Random(0)
        return [self._press(rng.uniform(0.0, 0.1)) for _ in range(count)]

    def _press(self, after: float) -> float:
        robot, clock = self.robot, self.robot.clock
        robot.write(JointCommand.hold(legs(FOLDED), robot.info))
        self._until(lambda: self._last()[1] == "driven", "the robot is driven")
        clock.sleep_until(clock.now() + after)
        pressed = self.box.press()
        self._until(lambda: self._last()[1] == "damped", "the robot is damped")
        damped = self._last()[0]
        self.box.press(False)
        self._until(self._reset, "the robot is reset")
        return damped - pressed

    def _last(self) -> tuple[float, str]:
        """When the motors last began to do something else, s, and what."""
        whole = [line for line in self.log.read_text().splitlines() if line.endswith("}")]
        change = json.loads(whole[-1])
        return change["time"], change["drive"]

    def _reset(self) -> bool:
        try:
            self.robot.reset("the measurement")
        except RobotError:
            return False
        return True

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        clock = self.robot.clock
        deadline = clock.now() + GIVE_UP
        while not condition():
            if clock.now() > deadline:
                raise RobotError(
                    f"expected within {GIVE_UP} s: {what}; its safety says '{self.robot.stopped}'"
                )
            clock.sleep_until(clock.now() + 0.005)
