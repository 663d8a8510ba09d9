"""The whole calibration: one procedure after the other, saved after each, so that it can be gone on with."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from calibration import feet, imu, joints, latency, motors, report
from calibration.result import Result
from calibration.session import Session
from robots.calibration import Calibration, CalibrationError, Measured, load

log = logging.getLogger(__name__)

TOOL = "daydreamer-robot calibrate 1"

# Joints first: who stands and leans must know them. What is measured hanging stands together.
PROCEDURES: dict[str, Callable[[Session], Result]] = {
    "joints": joints.measure,
    "motors": motors.measure,
    "latency": latency.measure,
    "feet": feet.measure,
    "imu": imu.measure,
}
MINUTES = {"joints": 0.8, "motors": 0.5, "latency": 0.2, "feet": 0.3, "imu": 1.0}  # of robot time


@dataclass(frozen=True)
class Files:
    """Where a calibration is kept."""

    directory: Path

    @property
    def calibration(self) -> Path:
        """The file that drivers read."""
        return self.directory / "calibration.json"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.directory / "report.html"

    def section(self, name: str) -> Path:
        """What the page says of one part, kept so that a later run can put the page together again."""
        return self.directory / f"{name}.part.html"


def begin(files: Files, robot: str, robot_id: str) -> Calibration:
    """What there is already, or an empty calibration. Raises CalibrationError when it is of another robot."""
    if files.calibration.exists():
        return load(files.calibration, robot, robot_id)
    return Calibration(robot, robot_id, now(), TOOL)


def todo(found: Calibration, only: Iterable[str] = (), again: bool = False) -> list[str]:
    """Which procedures are left: those that did not pass, or all that are asked for when ``again``.

    Raises:
        CalibrationError: there is no such procedure.
    """
    asked = list(only) or list(PROCEDURES)
    if unknown := [name for name in asked if name not in PROCEDURES]:
        raise CalibrationError(f"no procedure is called '{unknown[0]}'; there are {', '.join(PROCEDURES)}")
    done = set() if again else {name for name, part in found.parts.items() if part.passed}
    return [name for name in PROCEDURES if name in asked and name not in done]


def run(
    session: Session,
    files: Files,
    found: Calibration,
    names: Iterable[str],
    finished: Callable[[str, Result], None] = lambda name, result: None,
) -> Calibration:
    """Measure ``names`` in order and save after each; the robot is damped at the end, whatever happens.

    Raises:
        CalibrationStopped: told to, or the robot's safety stopped it, or it cannot be measured so.
    """
    if "joints" in found.parts:
        session.offset = np.array(found.part("joints").offset_rad)
    with session.ending_damped():
        for name in names:
            result = PROCEDURES[name](session)
            found = keep(files, found, name, result)
            if name == "joints":
                session.offset = np.array(found.part("joints").offset_rad)
            finished(name, result)
    return found


def keep(files: Files, found: Calibration, name: str, result: Result) -> Calibration:
    """``found`` with the part ``name``, saved."""
    part = Measured(result.values, result.method, now(), result.passed, result.residuals)
    found = replace(found, made=now(), parts={**found.parts, name: part})
    save(files, found, name, result)
    return found


def save(files: Files, found: Calibration, name: str, result: Result) -> None:
    """The file, and the page with this result and those of earlier runs."""
    found.save(files.calibration)
    files.section(name).write_text(report.section(name, result))
    sections = {one: files.section(one).read_text() for one in found.parts if files.section(one).exists()}
    verdicts = {one: (part.passed, part.method) for one, part in found.parts.items()}
    about = {"robot": found.robot, "id": found.robot_id, "made": found.made, "by": found.tool}
    files.report.write_text(report.page(f"Calibration of {found.robot_id}", about, verdicts, sections))


def now() -> str:
    """This moment, ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def summary(results: dict[str, Result]) -> str:
    """What was measured, as JSON for programs."""
    tree = {
        name: {
            "passed": result.passed,
            "checks": [
                {"name": c.name, "value": c.value, "bound": c.bound, "unit": c.unit, "passed": c.passed}
                for c in result.checks
            ],
            "values": vars(result.values),
            "residuals": result.residuals,
        }
        for name, result in results.items()
    }
    return json.dumps(tree)
