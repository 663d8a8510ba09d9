"""The policies that a run has kept, by the robot minutes at which each was the newest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from daydreamer.monitor.tail import Tail
from daydreamer.runtime.run_dir import RunDir


def kept_policies(run: RunDir) -> dict[float, Path]:
    """All of them, the earliest first: those kept for good, and the newest of the checkpoints."""
    found = dict(run.kept_minutes())
    versions = run.kept_versions()
    for version, minutes in _published_at(run.metrics, versions).items():
        found.setdefault(minutes, versions[version])
    return dict(sorted(found.items()))


def at_marks(policies: Iterable[float], every: float, end: float) -> dict[float, float]:
    """For each mark ``every``, 2 ``every``, ... up to ``end``: the nearest of ``policies``, all in robot minutes.

    A mark without a policy within half the spacing is left out.
    """
    times, marks = sorted(policies), [every * (n + 1) for n in range(int(end / every + 1e-6))]
    nearest = {mark: min(times, key=lambda time: abs(time - mark)) for mark in marks if times}
    return {mark: time for mark, time in nearest.items() if abs(time - mark) <= every / 2}


def _published_at(metrics: Path, versions: Iterable[int]) -> dict[int, float]:
    """Robot minutes at which each version had been published; one that the metrics do not reach is left out."""
    waiting, found = sorted(versions, reverse=True), dict[int, float]()
    for record in Tail(metrics).read():
        published, minutes = record.metrics.get("policy/published"), record.metrics.get("robot/minutes")
        if published is None or minutes is None:
            continue
        while waiting and waiting[-1] <= published:
            found[waiting.pop()] = round(minutes, 2)
    return found
