"""Who puts the robot into a pose: the stand-in's simulator, an emulated robot that is born anew, or a person."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from calibration.session import POSES, CalibrationStopped
from robots.a1.driver import A1
from robots.a1.emulated import EmulatedA1
from robots.registry import make
from robots.robot import Robot
from robots.safety.config import SafetyConfig
from robots.safety.guard import SafetyGuard
from robots.sim.stand_in import StandIn

# A joint whose zero is wrong stands outside its limits when it is at its stop; by so much, rad, is no fault here.
POSITION_MARGIN = 0.35


# pose -> what the robot does in it by itself
MOVES = {"hang": " Its legs will move.", "belly": " It will stand up."}


class SimRig:
    """The stand-in, put anywhere at once."""

    def __init__(self, **options: Any):
        """Args: as for ``StandIn``."""
        self._robot = StandIn(**{"start": "hang", "start_jitter": 0.0, **options})
        never = (
            math.inf
        )  # a simulated sensor may be without noise, and then repeats itself without being broken
        rules = SafetyConfig(position_margin=POSITION_MARGIN, frozen_imu=never, frozen_joints=never)
        self._rules = rules
        self._guard: SafetyGuard | None = None

    @property
    def stand_in(self) -> StandIn:
        """Without the guard, for what only a simulator knows."""
        return self._robot

    def place(self, pose: str) -> Robot:
        """Put it there; a new guard, because no robot moves like that."""
        self._robot.connect()
        self._robot.set_pose(pose)
        self._guard = SafetyGuard(self._robot, self._rules)
        self._guard.connect()
        return self._guard

    def close(self) -> None:
        """Damp and end the simulation."""
        (self._guard or self._robot).close()


class EmulatedRig:
    """An emulated A1 over UDP; another pose is another life of it."""

    def __init__(self, distortion: Mapping[str, Any] | None = None, seed: int = 0, **options: Any):
        """Args: ``distortion`` as for ``Distortion``, without delays; ``options`` as for ``EmulatedA1``."""
        self._options, self._wrong, self._seed = options, dict(distortion or {}), seed
        self._robot: EmulatedA1 | None = None

    def place(self, pose: str) -> Robot:
        """End the robot that there is, and start one in ``pose``."""
        self.close()
        emulator = {**self._options.get("emulator", {}), "distortion": self._wrong}
        options = {**self._options, "emulator": emulator, "safety": {"position_margin": POSITION_MARGIN}}
        self._robot = EmulatedA1(start=pose, seed=self._seed, **options)
        self._robot.connect()
        return self._robot

    def close(self) -> None:
        """Damp, and end it."""
        robot, self._robot = self._robot, None
        if robot is not None:
            robot.close()


class HandRig:
    """A person at a robot. Between two poses the robot is let go, damped."""

    def __init__(self, name: str, ask: Callable[[str], None], **options: Any):
        """Args: ``ask`` shows a text and returns when the person has done it; ``options`` of the robot."""
        self._robot = make(name, **{**options, "safety": {"position_margin": POSITION_MARGIN}})
        if not isinstance(self._robot, A1):
            raise CalibrationStopped(f"'{name}' is not a robot that is placed by hand")
        self._ask = ask
        self._stop = (
            "the stop box" if options.get("estop") else "the robot's remote control (L2 and B stop it)"
        )

    def place(self, pose: str) -> Robot:
        """Ask for it. The robot is not connected while it is moved."""
        self._robot.close()
        self._ask(f"Please {POSES[pose]}.{MOVES.get(pose, '')} Keep {self._stop} in hand.")
        self._robot.connect()
        return self._robot

    def close(self) -> None:
        """Damp, and let go."""
        self._robot.close()
