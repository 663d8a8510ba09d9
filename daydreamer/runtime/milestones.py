"""When a run reached what: upright, stands, walks, in robot minutes from its first step, prefill included.

Two ways to say it, and both are reported. In evaluation, by the deterministic policy: the first mark at which an
evaluation gets up, stands or walks; see ``scoring``. It is known to one spacing of the marks. While learning, with
exploration noise, over the last 1,000 steps: see ``LEARNING``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daydreamer.monitor.tail import Tail
from daydreamer.runtime.scoring import Evaluation

WINDOW = 1000  # steps that the means below must cover

# milestone -> what the means over the last 1,000 steps must exceed. True speed where there is a simulator.
LEARNING: Mapping[str, Mapping[str, float]] = {
    "upright": {"robot/up": 0.8},
    "stands": {"robot/standing": 0.5},
    "walks": {"robot/standing": 0.5, "robot/truth_forward_speed": 0.3},
}
EVALUATED = {"upright": "gets_up", "stands": "stands", "walks": "walks"}  # milestone -> Evaluation's own name

# A run's curve as data: the columns kept of its metrics.
CURVE = (
    "robot/minutes", "learner/steps", "robot/up", "robot/upright", "robot/standing", "robot/truth_forward_speed",
    "robot/forward_speed", "robot/reward",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """One record of a run's metrics."""

    minutes: float  # robot minutes
    wall_minutes: float  # since the first record, without the time between two lives
    window: float  # steps that the means cover
    values: Mapping[str, float]


def read_points(metrics: Path) -> list[Point]:
    """The records of a metrics file that tell how the robot does."""
    points: list[Point] = []
    before = wall = 0.0
    for record in Tail(metrics).read():
        now = record.metrics.get("learner/wall_minutes")
        if now is None:
            continue
        wall, before = wall + (now - before if now >= before else now), now
        if "robot/up" in record.metrics:
            window = record.metrics.get("robot/window", 0.0)
            values = {name: record.metrics[name] for name in CURVE if name in record.metrics}
            points.append(Point(record.metrics["robot/minutes"], wall, window, values))
    return points


def while_learning(points: list[Point]) -> dict[str, Point | None]:
    """The first point that meets each milestone; None for one that none meets."""
    found: dict[str, Point | None] = {}
    for milestone, bounds in LEARNING.items():
        found[milestone] = next(
            (
                point
                for point in points
                if point.window >= WINDOW
                and all(point.values.get(name, -1.0) > bound for name, bound in bounds.items())
            ),
            None,
        )
    return found


def in_evaluation(evaluations: Mapping[float, Evaluation]) -> dict[str, float | None]:
    """The first robot minutes at which each milestone is met, of evaluations by robot minutes."""
    return {
        milestone: next((m for m, found in sorted(evaluations.items()) if getattr(found, name)), None)
        for milestone, name in EVALUATED.items()
    }


def thinned(points: list[Point], every: float = 0.25) -> list[Point]:
    """At most one point per ``every`` robot minutes, the last one always."""
    kept: list[Point] = []
    for point in points:
        if not kept or point.minutes - kept[-1].minutes >= every or point is points[-1]:
            kept.append(point)
    return kept
