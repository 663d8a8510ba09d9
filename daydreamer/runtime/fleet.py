"""What the learner knows of its actors, as metrics: one by one where there are several."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from daydreamer.transport.link import ActorStatus

_OLD = ("actor/", "link/")  # numbers of an actor that nothing is heard of are no longer true

_TOLD = {  # a metric that actors report, and what it is called behind an actor's name
    "actor/steps_per_second": "steps_per_second",
    "actor/late_ms": "late_ms",
    "link/unacked": "unacked",
    "policy/version": "policy_version",
}
# What a person should know of any of them, or of all.
_OF_ALL: Mapping[str, Callable[[Iterable[float]], float]] = {
    "actor/late_ms": max,
    "actor/holding": max,
    "actor/paused": min,
    "link/unacked": max,
}


def fleet_metrics(
    actors: Mapping[str, ActorStatus], reports: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Metrics by name.

    Names that a single actor would have (``actor/...``, ``link/...``) are those of the actor heard last; where several
    are connected some are the greatest or the least of theirs, and the policy is that of the one furthest behind. With
    several actors there are ``actor/NAME/...`` for each, besides. Of one that is not connected there is what still
    holds: that it is not, which policy it had, and how old that is by now.
    """
    here = [reports[name] for name, status in actors.items() if status.connected and name in reports]
    latest_last = sorted(reports, key=lambda name: _recency(actors.get(name)))
    found = {
        metric: value
        for name in latest_last
        for metric, value in _present(reports[name], actors.get(name)).items()
    }
    found |= _of_all(here)
    found["learner/actors"] = float(sum(status.connected for status in actors.values()))
    if len(actors) < 2:
        return found
    for name, status in actors.items():
        found |= {
            f"actor/{name}/connected": float(status.connected),
            f"actor/{name}/rows": float(status.rows),
            f"actor/{name}/silence_s": status.age,
        }
        report = _present(reports.get(name, {}), status)
        found |= {f"actor/{name}/{short}": report[full] for full, short in _TOLD.items() if full in report}
    return found


def _recency(status: ActorStatus | None) -> tuple[bool, float]:
    """Greater for one that is connected, then for one that was heard later."""
    return (False, -math.inf) if status is None else (status.connected, -status.age)


def _of_all(reports: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Of connected actors' reports the numbers that must not come and go with who was heard last."""
    values = {name: [report[name] for report in reports if name in report] for name in _OF_ALL}
    behind = min(reports, key=_policy, default={})
    return {
        **{name: _OF_ALL[name](some) for name, some in values.items() if some},
        **{name: value for name, value in behind.items() if name.startswith("policy/")},
    }


def _policy(report: Mapping[str, float]) -> tuple[float, float]:
    """Less for an older one, then for one that has been run for longer."""
    return report.get("policy/version", math.inf), -report.get("policy/age_s", 0.0)


def _present(report: Mapping[str, float], status: ActorStatus | None) -> Mapping[str, float]:
    """Of what an actor said last, what is true now."""
    if status is None or status.connected:
        return report
    kept = {metric: value for metric, value in report.items() if not metric.startswith(_OLD)}
    if "policy/age_s" in kept:
        kept["policy/age_s"] += status.age
    return {**kept, "link/connected": 0.0}
