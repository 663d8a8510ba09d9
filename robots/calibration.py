"""The calibration file: what was measured on one robot, with units in the names; JSON, versioned, strictly read.

Procedures (the package ``calibration``) write it, ``robots.calibrated`` applies it. Its parts are measured one by one,
each with its method, its date and its residuals: see ``robots.calibration_parts``.
"""

from __future__ import annotations

import difflib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from robots.calibration_parts import PARTS, Joints, Numbers, Values, Within, ranges
from robots.robot import RobotError

SCHEMA = 2
READS = (1, 2)  # in 1 no part has ``zeros_rad``
ROBOTS = ("a1", "a1-emulated", "a1-sim", "fake")
SENSORS = ("imu", "joints", "feet")  # the parts that every reading is corrected by


class CalibrationError(RobotError):
    """The calibration file cannot be used; the text says what is wrong and what to do."""


@contextmanager
def written(path: Path) -> Iterator[None]:
    """While ``path`` is written. Raises CalibrationError when the disk refuses it."""
    try:
        yield
    except OSError as error:
        raise CalibrationError(f"cannot write {path}: {error.strerror or error}") from error


@dataclass(frozen=True)
class Measured:
    """One part: its values, and how they were come by."""

    values: Values
    method: str
    made: str  # date and time, ISO 8601
    passed: bool  # every quantity within its bound
    residuals: Mapping[str, float] = field(default_factory=dict)  # how well each quantity is known
    zeros_rad: Numbers | None = None  # [12] joints' offsets it was measured with; None: none, or not known


@dataclass(frozen=True)
class Calibration:
    """All that is known of one robot."""

    robot: str  # its name in ``robots.registry``
    robot_id: str  # which one of them, as its people call it
    made: str  # ISO 8601
    tool: str  # name and version of what measured
    parts: Mapping[str, Measured] = field(default_factory=dict)

    def part(self, name: str) -> Any:
        """The values of the part called ``name``. Raises CalibrationError when it was not measured."""
        if name not in self.parts:
            raise CalibrationError(
                f"the calibration of '{self.robot_id}' has no part '{name}', only {', '.join(self.parts) or 'none'}. "
                f"Run `daydreamer calibrate {self.robot} {'--fit-sim LOG' if name == 'sim' else '--only ' + name}`."
            )
        return self.parts[name].values

    def passed(self, name: str) -> Any:
        """As ``part``; also raises CalibrationError when its measurement failed: nothing may be built on it."""
        values = self.part(name)
        if not self.parts[name].passed:
            raise CalibrationError(
                f"the part '{name}' of '{self.robot_id}' did not pass: report.html beside it says why. Measure it "
                "again; or, knowing better, write true for its 'passed' into the file."
            )
        return values

    def text(self) -> str:
        """As the file has it."""
        head = {"schema": SCHEMA, "robot": self.robot, "robot_id": self.robot_id, "made": self.made}
        parts = {
            name: {
                "method": part.method,
                "made": part.made,
                "passed": part.passed,
                "residuals": dict(part.residuals),
                "zeros_rad": part.zeros_rad,
                "values": {one.name: getattr(part.values, one.name) for one in fields(part.values)},
            }
            for name, part in self.parts.items()
        }
        return json.dumps({**head, "tool": self.tool, "parts": parts}, indent=1, allow_nan=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises CalibrationError when the disk refuses it."""
        draft = path.with_name(path.name + ".part")
        with written(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(self.text())
            os.replace(draft, path)


def load(
    path: str | Path,
    robot: str | None = None,
    robot_id: str | None = None,
    parts: Iterable[str] = (),
) -> Calibration:
    """Read a file, and refuse what cannot be right.

    Args:
        path: of the file.
        robot: the robot it must be of, its name in the registry; any when None.
        robot_id: which one of them; any when None.
        parts: that must be there, and have passed.

    Raises:
        CalibrationError: no file, no JSON, another schema, robot or id, a part that is missing or not known, a
            value that is missing, not known, of a wrong size, or out of range, or a part that failed.
    """
    try:
        tree = json.loads(Path(path).read_text())
    except OSError as error:
        raise CalibrationError(f"cannot read the calibration {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise CalibrationError(f"{path} is no calibration: it is not JSON ({error})") from error
    try:
        found = parse(tree)
        if robot is not None and found.robot != robot:
            raise CalibrationError(f"it is of robot '{found.robot}', and this one is '{robot}'")
        if robot_id is not None and found.robot_id != robot_id:
            raise CalibrationError(f"it is of '{found.robot_id}', and this robot is '{robot_id}'")
        for part in parts:
            found.passed(part)
    except CalibrationError as error:
        raise CalibrationError(f"{path}: {error}") from error
    return found


def parse(tree: Any) -> Calibration:
    """A file's content. Raises CalibrationError as ``load`` does."""
    if not isinstance(tree, dict) or "schema" not in tree:
        raise CalibrationError("this is no calibration: expected an object with a 'schema'")
    if tree["schema"] not in READS:
        raise CalibrationError(
            f"its schema is {tree['schema']!r}, this program reads {' and '.join(map(str, READS))}. Calibrate again, "
            "or use a newer program."
        )
    _exactly("the file", tree, ("schema", "robot", "robot_id", "made", "tool", "parts"))
    for name in ("robot", "robot_id", "made", "tool"):
        if not isinstance(tree[name], str) or not tree[name]:
            raise CalibrationError(f"'{name}' is a text, got {tree[name]!r}")
    if tree["robot"] not in ROBOTS:
        raise CalibrationError(f"no robot is called '{tree['robot']}'; there are {', '.join(ROBOTS)}")
    if not isinstance(tree["parts"], dict):
        raise CalibrationError(f"'parts' is an object, got {tree['parts']!r:.60}")
    more = ("zeros_rad",) if tree["schema"] > 1 else ()
    parts = {name: _part(name, part, more) for name, part in tree["parts"].items()}
    return Calibration(tree["robot"], tree["robot_id"], tree["made"], tree["tool"], parts)


def check_values(name: str, values: Values) -> None:
    """Raises CalibrationError when ``values`` of the part ``name`` are none that a file can have."""
    for one, within in ranges(PARTS[name]).items():
        _value(f"{name}.{one}", getattr(values, one), within)


def diff(before: Calibration, after: Calibration) -> list[str]:
    """What differs between two files, a line each; values with how far they moved."""
    lines = [
        f"{name}: {getattr(before, name)} -> {getattr(after, name)}"
        for name in ("robot", "robot_id", "made", "tool")
        if getattr(before, name) != getattr(after, name)
    ]
    for name, kind in PARTS.items():
        old, new = before.parts.get(name), after.parts.get(name)
        if old is None or new is None:
            if old is not new:
                lines.append(f"{name}: {'only in the second' if old is None else 'only in the first'}")
            continue
        for one in fields(kind):
            lines += _moved(
                f"{name}.{one.name}", getattr(old.values, one.name), getattr(new.values, one.name)
            )
    return lines


def _moved(name: str, old: float | Numbers, new: float | Numbers) -> list[str]:
    if isinstance(old, tuple) and isinstance(new, tuple):
        pairs = zip(old, new, strict=True)
        return [line for at, (a, b) in enumerate(pairs) for line in _moved(f"{name}[{at}]", a, b)]
    assert isinstance(old, float) and isinstance(new, float)
    return [] if old == new else [f"{name}: {old:.6g} -> {new:.6g} ({new - old:+.3g})"]


def _part(name: str, tree: Any, more: Iterable[str]) -> Measured:
    if name not in PARTS:
        near = difflib.get_close_matches(name, PARTS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise CalibrationError(f"no part is called '{name}'; there are {', '.join(PARTS)}.{hint}")
    _exactly(f"part '{name}'", tree, ("method", "made", "passed", "residuals", "values", *more))
    if not isinstance(tree["passed"], bool):
        raise CalibrationError(f"{name}.passed is true or false, got {tree['passed']!r}")
    residuals = tree["residuals"]
    if not isinstance(residuals, dict) or not all(_is_number(value) for value in residuals.values()):
        raise CalibrationError(f"{name}.residuals is an object of finite numbers")
    kind, values = PARTS[name], tree["values"]
    _exactly(f"{name}.values", values, ranges(kind))
    read = {one: _value(f"{name}.{one}", values[one], within) for one, within in ranges(kind).items()}
    zeros = tree.get("zeros_rad")
    if zeros is not None:
        zeros = _value(f"{name}.zeros_rad", zeros, ranges(Joints)["offset_rad"])
    return Measured(kind(**read), str(tree["method"]), str(tree["made"]), tree["passed"], residuals, zeros)


def _value(name: str, value: Any, within: Within) -> float | Numbers:
    count, low, high = within
    numbers = value if count else [value]
    if not isinstance(numbers, list | tuple) or (count and len(numbers) != count):
        raise CalibrationError(f"{name} is a list of {count} numbers, got {value!r:.60}")
    for at, number in enumerate(numbers):
        where = f"{name}[{at}]" if count else name
        if not _is_number(number):
            raise CalibrationError(f"{where} is a finite number, got {number!r:.60}")
        if not low <= number <= high:
            raise CalibrationError(
                f"{where} is {number:g}, expected {low:g} to {high:g}. Such a value says that the measurement went "
                "wrong, or the robot is broken: look at it, and calibrate again."
            )
    return tuple(float(number) for number in numbers) if count else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _exactly(where: str, tree: Any, names: Iterable[str]) -> None:
    """Raises CalibrationError unless ``tree`` is an object with these names and no others."""
    if not isinstance(tree, dict):
        raise CalibrationError(f"{where} is an object, got {tree!r:.60}")
    wanted = set(names)
    if missing := wanted - tree.keys():
        raise CalibrationError(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown := tree.keys() - wanted:
        raise CalibrationError(
            f"{where} has {', '.join(sorted(map(repr, unknown)))}, which this program does not know"
        )
