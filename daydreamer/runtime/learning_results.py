"""What one run has learned by when, as numbers and as a row of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from daydreamer.runtime.checkpoint import Checkpoints
from daydreamer.runtime.milestones import Point, in_evaluation, read_points, while_learning
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.scoring import Evaluation

MILESTONES = ("upright", "stands", "walks")


@dataclass(frozen=True)
class RunResult:
    """One run. Times in robot minutes from its first step, prefill included; None: not reached."""

    name: str
    robot_minutes: float
    wall_minutes: float
    gradient_steps: int
    evaluated: Mapping[str, float | None]  # milestone -> first mark at which the deterministic policy does it
    learning: Mapping[str, float | None]  # milestone -> first time while learning, over 1,000 steps
    learning_wall: Mapping[str, float | None]  # the same in wall minutes
    last_mark: float | None  # the evaluation that the numbers below are of; None: there is none
    walking_speed: float | None  # m/s
    falls: float | None  # per rollout
    first_upright: float | None  # s
    energy_per_metre: float | None  # J/m
    torque_p99: float | None  # N m

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def result_of(
    name: str, run: RunDir, evaluations: Mapping[float, Evaluation]
) -> tuple[RunResult, list[Point]]:
    """The result of a run and the curve that it was read from.

    Args:
        name: For people.
        run: With a checkpoint.
        evaluations: By robot minutes, the marks.
    """
    points = read_points(run.metrics)
    found = while_learning(points)
    checkpoint = Checkpoints(run.checkpoints).load()
    state: Mapping[str, Any] = checkpoint.state if checkpoint else {"updates": 0, "wall_minutes": 0.0}
    last_mark = max(evaluations, default=None)
    last = evaluations[last_mark] if last_mark is not None else None
    motion = (last.motion if last else None) or {}
    return RunResult(
        name=name,
        robot_minutes=points[-1].minutes if points else 0.0,
        wall_minutes=state["wall_minutes"],
        gradient_steps=state["updates"],
        evaluated=in_evaluation(evaluations),
        learning={key: point.minutes if point else None for key, point in found.items()},
        learning_wall={key: point.wall_minutes if point else None for key, point in found.items()},
        last_mark=last_mark,
        walking_speed=last.walking_speed if last else None,
        falls=last.falls if last else None,
        first_upright=last.first_upright if last else None,
        energy_per_metre=motion.get("energy_per_metre"),
        torque_p99=motion.get("torque_p99"),
    ), points


def median(values: Sequence[float | None]) -> float | None:
    """The median, in which what was not reached is later than everything; None when the median is that."""
    middle = float(np.median([math.inf if value is None else value for value in values]))
    return middle if math.isfinite(middle) else None


def table(results: Sequence[RunResult]) -> str:
    """Markdown, one row per run and their median."""
    head = [
        "run", *(f"{name}: evaluated" for name in MILESTONES), *(f"{name}: learning" for name in MILESTONES),
        "walks: wall min", "speed m/s", "up after s", "falls", "J/m", "torque p99 N m", "gradient steps", "robot min",
        "wall min",
    ]  # fmt: skip
    rows = [_cells(result) for result in results]
    lines = [
        head,
        ["---"] * len(head),
        *([r.name, *_texts(cells)] for r, cells in zip(results, rows, strict=True)),
    ]
    if len(results) > 1:
        lines.append(["median", *_texts([median(column) for column in zip(*rows, strict=True)])])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(result: RunResult) -> list[float | None]:
    return [
        *(result.evaluated[name] for name in MILESTONES), *(result.learning[name] for name in MILESTONES),
        result.learning_wall["walks"], result.walking_speed, result.first_upright, result.falls,
        result.energy_per_metre, result.torque_p99, float(result.gradient_steps), result.robot_minutes,
        result.wall_minutes,
    ]  # fmt: skip


def _texts(cells: Sequence[float | None]) -> list[str]:
    formats = ["g"] * 3 + [".1f"] * 4 + [".2f", ".1f", ".1f", ".0f", ".1f", ",.0f", ".1f", ".1f"]
    return ["-" if cell is None else format(cell, form) for cell, form in zip(cells, formats, strict=True)]
