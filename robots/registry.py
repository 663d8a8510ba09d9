"""Robots by name, each imported only when asked for, so that a missing driver hurts nobody else."""

from __future__ import annotations

import difflib
from importlib import import_module
from typing import Any

from robots.robot import Robot, RobotError

# name -> (module, factory, extra to install when the module's driver is missing)
ROBOTS: dict[str, tuple[str, str, str]] = {
    "fake": ("robots.fake", "FakeRobot", ""),
    "a1": ("robots.a1.driver", "A1", ""),
    "a1-emulated": ("robots.a1.emulated", "EmulatedA1", ""),
    "a1-sim": ("robots.sim.stand_in", "StandIn", "sim"),
}


def make(name: str, **options: Any) -> Robot:
    """Make the robot called ``name``; ``options`` go to its constructor. Nothing is connected yet.

    Raises:
        RobotError: unknown name (the nearest one is suggested), or its driver is not installed.
    """
    if name not in ROBOTS:
        near = difflib.get_close_matches(name, ROBOTS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise RobotError(f"no robot is called '{name}'; there are {', '.join(sorted(ROBOTS))}.{hint}")
    module, factory, extra = ROBOTS[name]
    try:
        made = getattr(import_module(module), factory)
    except ModuleNotFoundError as error:
        if not extra:
            raise
        raise RobotError(
            f"robot '{name}' needs the module '{error.name}', which is not installed. "
            f"From a clone: pip install '.[{extra}]'"
        ) from error
    robot: Robot = made(**options)
    return robot
