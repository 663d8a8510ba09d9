"""``daydreamer calibrate ROBOT --where RUN``: one table of where the time of a control step goes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.tail import Tail
from daydreamer.runtime.run_dir import RunDir
from robots.calibration import Calibration
from robots.calibration_parts import Latency

STEP_MS = 50.0  # of an actor at 20 Hz
MEASURED = (
    "actor/sense_ms", "actor/policy_ms", "actor/late_ms", "link/unacked", "actor/steps_per_second",
    "link/clock_offset_ms", "link/clock_within_ms",
)  # fmt: skip


def of_run(path: Path) -> dict[str, float]:
    """The medians of what a run's actor reported, by metric. Raises DaydreamerError when there is nothing."""
    metrics = RunDir(path).metrics
    values: dict[str, list[float]] = {name: [] for name in MEASURED}
    for record in Tail(metrics).read() if metrics.exists() else ():
        for name in values.keys() & record.metrics.keys():
            if math.isfinite(record.metrics[name]):
                values[name].append(record.metrics[name])
    if not values["actor/policy_ms"]:
        raise DaydreamerError(
            f"{path} is no run whose actor reported anything: there is no {metrics}, or no rows in it"
        )
    return {name: float(np.median(one)) for name, one in values.items() if one}


def table(found: Calibration, run: Mapping[str, float]) -> str:
    """Markdown: the parts of a step, in the order in which they follow one another.

    Raises:
        CalibrationError: the robot's latency was not measured.
    """
    latency: Latency = found.part("latency")
    rows = [
        ("a reading is old when it is taken", 1000 * latency.reading_age_s, "calibration"),
        ("read, estimate, reward", run.get("actor/sense_ms", math.nan), "run"),
        ("policy", run["actor/policy_ms"], "run"),
        ("the step begins late by", run.get("actor/late_ms", math.nan), "run"),
        ("command to torque, and back into a reading", 1000 * latency.command_to_reading_s, "calibration"),
        ("its jitter (standard deviation)", 1000 * latency.jitter_s, "calibration"),
    ]
    used = sum(value for _, value, _ in rows[:5] if math.isfinite(value))
    rows.append((f"from motion to motion, of {STEP_MS:g} ms", used, "sum of the first five"))
    if run.get("actor/steps_per_second", 0.0) > 0 and "link/unacked" in run:
        durable = 1000 * run["link/unacked"] / run["actor/steps_per_second"]
        rows.append(("a row until it is durable at the learner (not in the loop)", durable, "run"))
    if "link/clock_offset_ms" in run:
        within = f"run, give or take {run.get('link/clock_within_ms', math.nan):.2f}"
        rows.append(("the learner's clock is ahead of the actor's by", run["link/clock_offset_ms"], within))
    lines = ["| where | ms | from |", "|---|---|---|"]
    lines += [
        f"| {where} | {'-' if math.isnan(ms) else f'{ms:.2f}'} | {source} |" for where, ms, source in rows
    ]
    return "\n".join(lines)
