"""``/metrics``: the newest value of everything, for Prometheus."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric

from daydreamer.core.telemetry import MODES
from daydreamer.monitor import alarms, names
from daydreamer.web.board import Board

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(board: Board) -> bytes:
    """The text that a scrape gets."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot([*_run(board), *_alarms(board), *_robots(board)]))
    return generate_latest(registry)


class _Snapshot:
    """Gives Prometheus' library what is there already."""

    def __init__(self, families: Iterable[Metric]):
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _run(board: Board) -> Iterator[Metric]:
    """The table of metrics: ``robot/up`` becomes ``daydreamer_robot_up``."""
    if board.run is None:
        return
    metrics = board.run.status()["metrics"]
    for name, value in sorted(metrics.items()):
        if (known := names.find(name)) is not None:
            family = GaugeMetricFamily(f"daydreamer_{_word(name)}", f"{known.doc} [{known.unit}]")
            family.add_metric([], math.nan if value is None else value)
            yield family


def _alarms(board: Board) -> Iterator[Metric]:
    raised = {one.alarm.key for one in board.alarms()}
    family = GaugeMetricFamily("daydreamer_alarm", "1 while the alarm holds", labels=["name"])
    for alarm in alarms.ALARMS:
        family.add_metric([alarm.key], float(alarm.key in raised))
    yield family


def _robots(board: Board) -> Iterator[Metric]:
    """What telemetry adds."""
    newest = [(r, r.telemetry) for r in board.robots if r.telemetry is not None]
    age = GaugeMetricFamily("daydreamer_telemetry_age_seconds", "since the robot was heard", labels=["actor"])
    mode = GaugeMetricFamily(
        "daydreamer_mode", "1 for the mode the robot is in, else 0", labels=["actor", "mode"]
    )
    heat = GaugeMetricFamily("daydreamer_motor_celsius", "temperature", labels=["actor", "joint"])
    for robot, telemetry in newest:
        age.add_metric([robot.name], robot.age)
        for one in MODES:
            mode.add_metric([robot.name, one], float(telemetry.mode == one))
        for joint, degrees in zip(telemetry.joint_names, telemetry.temperature.tolist(), strict=True):
            heat.add_metric([robot.name, joint], degrees)
    yield from (age, mode, heat)


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)
