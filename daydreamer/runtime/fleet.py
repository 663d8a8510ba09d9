"""What the learner knows of its actors, as metrics: one by one where there are several."""

from __future__ import annotations

from collections.abc import Mapping

from daydreamer.transport.link import ActorStatus

_OLD = ("actor/", "link/")  # numbers of an actor that nothing is heard of are no longer true

_TOLD = {  # a metric that actors report, and what it is called behind an actor's name
    "actor/steps_per_second": "steps_per_second",
    "actor/late_ms": "late_ms",
    "link/unacked": "unacked",
    "policy/version": "policy_version",
}


def fleet_metrics(
    actors: Mapping[str, ActorStatus], reports: Mapping[str, Mapping[str, float]]
) -> dict[str, float]:
    """Metrics by name.

    Names that a single actor would have (``actor/...``, ``link/...``) are those of the actor heard last. With
    several actors there are ``actor/NAME/...`` for each, besides. Of one that is not connected there is what still
    holds: that it is not, which policy it had, and how old that is by now.
    """
    latest_last = sorted(reports, key=lambda name: -actors[name].age if name in actors else float("-inf"))
    found = {
        metric: value
        for name in latest_last
        for metric, value in _present(reports[name], actors.get(name)).items()
    }
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


def _present(report: Mapping[str, float], status: ActorStatus | None) -> Mapping[str, float]:
    """Of what an actor said last, what is true now."""
    if status is None or status.connected:
        return report
    kept = {metric: value for metric, value in report.items() if not metric.startswith(_OLD)}
    if "policy/age_s" in kept:
        kept["policy/age_s"] += status.age
    return {**kept, "link/connected": 0.0}
