"""Ground truth for ``daydreamer calibrate``: many random distortions, and how well each procedure finds them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np

from calibration import guide, truth
from calibration.rigs import EmulatedRig, SimRig
from calibration.session import CalibrationStopped, Session
from calibration.truth import Error

Found = list[tuple[str, float, float, str]]  # name, error, bound, unit


def trials(robot: str, count: int, first: int, only: Sequence[str], jobs: int) -> list[dict[str, Any]]:
    """Run ``count`` trials with seeds from ``first`` on; a row for each quantity. Raises CalibrationError."""
    guide.check_names(only)
    seeds = range(first, first + count)
    if jobs > 1 and robot == "a1-sim":
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            found = list(pool.map(trial, [robot] * count, seeds, [tuple(only)] * count))
    else:
        found = [trial(robot, seed, tuple(only)) for seed in seeds]
    quantities: dict[str, list[tuple[float, float, str]]] = {}
    for one in found:
        for name, value, bound, unit in one:
            quantities.setdefault(name, []).append((value, bound, unit))
    return [_row(name, values) for name, values in quantities.items()]


def trial(robot: str, seed: int, only: tuple[str, ...]) -> Found:
    """One robot with what is wrong with it by ``seed``, measured. What was not asked for is taken as known."""
    wrong = truth.draw(seed, delays=robot == "a1-sim")
    emulated = robot == "a1-emulated"
    line = {"latency": truth.line_latency(seed)}
    rig: Any = EmulatedRig(wrong, seed, emulator=line) if emulated else SimRig(distortion=wrong, seed=seed)
    session, errors = Session(rig), []
    asked = only or tuple(guide.PROCEDURES)
    try:
        with session.ending_damped():
            if "joints" not in asked:
                session.offset = np.array(wrong["joint_offset"])
            for name in (one for one in guide.PROCEDURES if one in asked):
                result = guide.PROCEDURES[name](session)
                if name == "joints":
                    session.offset = np.array(vars(result.values)["offset_rad"])
                errors += truth.errors(result.values, wrong, truth.emulated_trip(seed) if emulated else None)
                if name == "feet" and not emulated:
                    late = wrong["sensor_delay"]
                    errors.append(truth.contact_share(session, rig.stand_in, result.values, late))  # type: ignore[arg-type]
    except CalibrationStopped as error:
        sys.stderr.write(f"seed {seed}: {error}\n")
        errors.append(Error("stopped", 1.0, 0.0, "times"))
    sys.stderr.write(
        f"seed {seed}: {', '.join(f'{one.name} {one.value:.4g} {one.unit}' for one in errors)}\n"
    )
    return [(one.name, one.value, one.bound, one.unit) for one in errors]


def table(rows: Iterable[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = ["| quantity | bound | median error | worst error | within |", "|---|---|---|---|---|"]
    lines += [
        f"| {row['name']} | {row['bound']:g} {row['unit']} | {row['median']:.3g} | {row['worst']:.3g} | "
        f"{row['within']} of {row['trials']} |"
        for row in rows
    ]
    return "\n".join(lines)


def _row(name: str, values: list[tuple[float, float, str]]) -> dict[str, Any]:
    errors = [value for value, _, _ in values]
    _, bound, unit = values[0]
    return {
        "name": name, "bound": bound, "unit": unit, "trials": len(errors), "median": statistics.median(errors),
        "worst": max(errors), "within": sum(value <= bound for value in errors),
    }  # fmt: skip
