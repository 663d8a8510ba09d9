"""The whole calibration: one procedure after the other, saved after each, so that it can be gone on with."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from calibration import feet, imu, joints, latency, motors, report
from calibration.result import Check, Result
from calibration.session import CalibrationStopped, Session
from robots.calibration import Calibration, CalibrationError, Measured, check_values, load, written

TOOL = "daydreamer-robot calibrate 1"

# Joints first: who stands and leans must know them. What is measured hanging stands together.
PROCEDURES: dict[str, Callable[[Session], Result]] = {
    "joints": joints.measure,
    "motors": motors.measure,
    "latency": latency.measure,
    "feet": feet.measure,
    "imu": imu.measure,
}
JOINTS_FIRST = "before the joints' zeros are known to be right no joint is moved to an angle"
STAND_ON_ZEROS = {"motors", "feet", "imu", "sim"}  # parts that are untrue with other zeros of the joints


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


def check_names(names: Iterable[str]) -> None:
    """Raises CalibrationError when there is no such procedure."""
    if unknown := [name for name in names if name not in PROCEDURES]:
        raise CalibrationError(f"no procedure is called '{unknown[0]}'; there are {', '.join(PROCEDURES)}")


def todo(found: Calibration, only: Iterable[str] = (), again: bool = False) -> list[str]:
    """Which procedures are left: those that did not pass, or all that are asked for when ``again``.

    Raises:
        CalibrationError: there is no such procedure, or the joints would not be measured first.
    """
    asked = list(only) or list(PROCEDURES)
    check_names(asked)
    done = set() if again else {name for name, part in found.parts.items() if part.passed}
    left = [name for name in PROCEDURES if name in asked and name not in done]
    if left and left[0] != "joints" and not zeros_known(found):
        raise CalibrationError(f"{JOINTS_FIRST}: measure the part 'joints' first, or leave out --only")
    return left


def zeros_known(found: Calibration) -> bool:
    """Whether joints may be commanded to angles: each answers to its name, and its zero was measured and passed."""
    return "joints" in found.parts and found.parts["joints"].passed


def run(
    session: Session,
    files: Files,
    found: Calibration,
    names: Iterable[str],
    finished: Callable[[str, Result], None] = lambda name, result: None,
) -> Calibration:
    """Measure ``names`` in order and save after each; the robot is damped at the end, whatever happens.

    Raises:
        CalibrationStopped: told to, or the robot's safety stopped it, or the joints did not pass.
        CalibrationError: the disk refuses what was measured.
    """
    if zeros_known(found):
        session.offset = np.array(found.part("joints").offset_rad)
    with session.ending_damped():
        for name in names:
            if name != "joints" and not zeros_known(found):
                raise CalibrationStopped(f"the joints did not pass, and {JOINTS_FIRST}")
            result = judged(name, PROCEDURES[name](session))
            found = keep(files, found, name, result)
            if zeros_known(found):
                session.offset = np.array(found.part("joints").offset_rad)
            finished(name, result)
    return found


def judged(name: str, result: Result) -> Result:
    """``result`` of the procedure ``name``; with a check that failed, where a value is none that a file can have."""
    if wrong := impossible(name, result):
        return replace(result, checks=(*result.checks, Check("what cannot be", math.nan, 0.0, "", wrong)))
    return result


def impossible(name: str, result: Result) -> str:
    """What a calibration file cannot hold of ``result``, and why; empty when it can."""
    try:
        check_values(name, result.values)
    except CalibrationError as error:
        return str(error)
    return ""


def keep(
    files: Files,
    found: Calibration,
    name: str,
    result: Result,
    zeros: NDArray[np.float64] | None = None,
) -> Calibration:
    """``found`` with the part ``name``, saved, and the page with it.

    Zeros of the joints that passed undo what was measured with others, however many small steps lie between. A result
    that cannot be is on the page, and the part is not in the file.

    Args:
        files: where it is saved.
        found: what there was before.
        name: of the part.
        result: of its procedure.
        zeros: the joints' offsets [J] rad it was measured with; those of ``found`` when None.

    Raises:
        CalibrationError: the disk refuses it.
    """
    parts = {one: _standing(found, one, part) for one, part in found.parts.items() if one != name}
    if name == "joints" and result.passed:
        offset = result.values.offset_rad  # type: ignore[union-attr]
        parts = {
            one: part
            for one, part in parts.items()
            if one not in STAND_ON_ZEROS or _agree(part.zeros_rad, offset)
        }
    if not impossible(name, result):
        residuals = {one: value for one, value in result.residuals.items() if math.isfinite(value)}
        on = None if zeros is None else tuple(map(float, zeros))
        measured = Measured(result.values, result.method, now(), result.passed, residuals, on)
        parts[name] = _standing(found, name, measured)
    found = replace(found, made=now(), parts=parts)
    found.save(files.calibration)
    left_out = (False, "its values cannot be: not in the file")
    with written(files.report):
        files.section(name).write_text(report.section(name, result))
        _write_page(files, found, {} if name in parts else {name: left_out})
    return found


def same_zeros(found: Calibration, offset: NDArray[np.float64]) -> bool:
    """Whether ``offset`` [J] rad is that of ``found``, as far as two measurements agree; without joints: 0."""
    before = found.part("joints").offset_rad if "joints" in found.parts else np.zeros(len(offset))
    return _agree(before, offset)


def _standing(found: Calibration, name: str, part: Measured) -> Measured:
    """``part``; when it stands on zeros and does not say on which, as in an older file, on those of ``found``."""
    if name not in STAND_ON_ZEROS or part.zeros_rad is not None or "joints" not in found.parts:
        return part
    return replace(part, zeros_rad=found.part("joints").offset_rad)


def _agree(one: ArrayLike | None, other: ArrayLike) -> bool:
    """Whether two measurements may differ by so much; what is not known agrees with nothing."""
    if one is None:
        return False
    return bool(np.abs(np.asarray(one) - np.asarray(other)).max() <= joints.SPREAD_BOUND)


def _write_page(files: Files, found: Calibration, failed: Mapping[str, report.Verdict]) -> None:
    """The page, of this run and those before."""
    verdicts: dict[str, report.Verdict] = {one: (None, "not measured") for one in PROCEDURES}
    verdicts |= {one: (part.passed, part.method) for one, part in found.parts.items()}
    verdicts |= failed
    told = [one for one, (passed, _) in verdicts.items() if passed is not None]
    sections = {one: files.section(one).read_text() for one in told if files.section(one).exists()}
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
                {"name": c.name, "value": c.value, "bound": c.bound, "unit": c.unit, "passed": c.passed,
                 "advice": "" if c.passed else c.advice}
                for c in result.checks
            ],
            "values": vars(result.values),
            "residuals": result.residuals,
        }
        for name, result in results.items()
    }  # fmt: skip
    return json.dumps(_numbers_only(tree))


def _numbers_only(tree: Any) -> Any:
    """JSON knows no infinity, and nothing that is no number: null."""
    if isinstance(tree, dict):
        return {name: _numbers_only(value) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [_numbers_only(value) for value in tree]
    return None if isinstance(tree, float) and not math.isfinite(tree) else tree
