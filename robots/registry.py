"""Robots by name, each imported only when asked for, so that a missing driver hurts nobody else."""

from __future__ import annotations

import difflib
import inspect
import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from robots.calibrated import Calibrated
from robots.calibration import SENSORS, CalibrationError, load
from robots.robot import Robot, RobotError
from robots.sim.fitted import options as fitted_options

log = logging.getLogger(__name__)

# name -> (module, factory, extra to install when the module's driver is missing)
ROBOTS: dict[str, tuple[str, str, str]] = {
    "fake": ("robots.fake", "FakeRobot", ""),
    "a1": ("robots.a1.driver", "A1", ""),
    "a1-emulated": ("robots.a1.emulated", "EmulatedA1", ""),
    "a1-sdk": ("robots.a1.sdk", "SdkA1", ""),
    "a1-sim": ("robots.sim.stand_in", "StandIn", "sim"),
}
RAMPED = {"a1", "a1-emulated", "a1-sdk", "a1-sim"}  # move a target to the next one in ``command_interval``
HARDWARE = {"a1", "a1-sdk"}  # what may hurt somebody: a stop of theirs outlives the program


def make(
    name: str,
    calibration: str | Path | None = None,
    robot_id: str | None = None,
    control_hz: float | None = None,
    **options: Any,
) -> Robot:
    """Make the robot called ``name``; ``options`` go to its constructor. Nothing is connected yet.

    With the file ``calibration`` its readings and commands are corrected: see ``robots.calibrated``. A stand-in is
    made like the robot that it was fitted to (part ``sim`` of the file): see ``robots.sim.fitted``. With ``robot_id``
    the file must be of that one of several robots. One that gets ``control_hz`` targets a second is at each when the
    next one comes, unless ``command_interval`` is among the options or was fitted.

    Raises:
        RobotError: unknown name or option (the nearest one is suggested), a value that cannot be, or its driver is not
            installed.
        CalibrationError: the file cannot be read, is of another robot, or a part of it is missing or failed.
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
    if name in HARDWARE:
        options = {"latch": True, **options}
    usual = {"command_interval": 1.0 / control_hz} if control_hz is not None and name in RAMPED else {}
    robot_id = None if robot_id is None else str(robot_id)  # a setting such as robot_id=7 is read as a number
    if name == "a1-sim" and calibration is not None and (like := fitted(calibration, robot_id)):
        if isinstance(
            wrong := options.get("distortion"), Mapping
        ):  # a setting in it, beside those that were fitted
            options = {**options, "distortion": {**like["distortion"], **wrong}}
        return _made(name, made, {**usual, **like, **options})
    robot = _made(name, made, {**usual, **options})
    return robot if calibration is None else calibrated(robot, calibration, robot_id)


def _made(name: str, factory: Callable[..., Any], options: Mapping[str, Any]) -> Robot:
    parameters = inspect.signature(factory).parameters.values()
    known = [parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    for option in options if len(known) == len(parameters) else ():
        if option not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise RobotError(f"robot '{name}' has no option '{option}' among {', '.join(known)}.{hint}")
    try:
        return cast(Robot, factory(**options))
    except (TypeError, ValueError) as error:
        raise RobotError(f"robot '{name}' cannot be made with {dict(options)}: {error}") from error


def fitted(calibration: str | Path, robot_id: str | None = None) -> dict[str, Any]:
    """Options of the stand-in that is like the robot of this file; empty for a stand-in's own, when nothing was fitted.

    Raises:
        CalibrationError: it is another robot's, and the stand-in was not fitted to that one, or not well.
    """
    found = load(calibration, robot_id=robot_id)
    if "sim" not in found.parts and found.robot == "a1-sim":
        return {}
    return fitted_options(found.passed("sim"))


def calibrated(robot: Robot, calibration: str | Path, robot_id: str | None = None) -> Robot:
    """``robot`` with the sensors of the file ``calibration``. Raises CalibrationError when it does not fit."""
    name = robot.info.name.removesuffix("-sdk")  # the same robot, through another driver
    found = load(calibration, name, robot_id, SENSORS)
    log.info("sensors as calibrated on '%s' at %s", found.robot_id, found.made)
    return Calibrated(robot, found)


def refuse_uncalibrated(name: str, calibration: str | Path | None, told: bool) -> None:
    """Before learning: hardware without a calibration is refused unless ``told`` to go on; others are warned about.

    Raises:
        CalibrationError: the robot ``name`` is a real one, has no calibration, and nobody said that this is fine.
    """
    if calibration is not None or told:
        return
    if name in HARDWARE:
        raise CalibrationError(
            f"robot '{name}' has no calibration, and learning from sensors that lie is a waste of a robot. Run "
            f"`daydreamer calibrate {name}` and give its file with --calibration FILE; or, knowing better, "
            "--set robot_options.uncalibrated=true."
        )
    log.warning("no calibration: the sensors of '%s' are taken as they read", name)
