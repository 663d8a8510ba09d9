"""What the robot is doing, in plain words, and the milestones of a run: two tables of thresholds.

All of it comes from metrics alone, so a live run, a restarted one and a file read years later say the same.
Means called ``robot/...`` cover the last 1,000 control steps (50 s at 20 Hz).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from daydreamer.monitor.formats import Words

Metrics = Mapping[str, float]
_Get = Callable[[str], float]

ROLLED_OVER = 0.8  # mean up . z
ON_BACK = -0.5  # mean up . z: between the two it is on its side, or some of the time up and some down
STANDS = 0.5  # share of steps
STANDS_WELL = 0.9
WALKS = 0.2  # m/s, as in the evaluation
WALKS_FAST = 0.5
WINDOW = 1000  # control steps


@dataclass(frozen=True)
class Stage:
    """One row: the first whose ``holds`` is true names the stage. ``words`` may quote metrics in braces."""

    key: str
    words: str
    when: str
    holds: Callable[[_Get], bool]


@dataclass(frozen=True)
class Milestone:
    """Something that is reached once in a run. ``windowed``: only a mean over a full window counts."""

    key: str
    words: str
    when: str
    holds: Callable[[_Get], bool]
    windowed: bool = True

    def said(self, minute: float) -> str:
        """``rolled over at 3.4 min (up.z over 1,000 steps > 0.8)``."""
        return f"{self.words} at {minute:.1f} min ({self.when})"


def _is_up(get: _Get) -> bool:
    return get("robot/up") > ROLLED_OVER


# A metric that is absent reads as NaN, and every comparison with NaN is false.
STAGES = (
    Stage(
        "waiting", "waiting for the robot", "no robot/minutes yet",
        lambda m: math.isnan(m("robot/minutes")),
    ),
    Stage(
        "paused", "paused or stopped: no policy drives the robot", "actor/paused is 1",
        lambda m: m("actor/paused") > 0,
    ),
    Stage(
        "holding", "holding still: the actor may not send more", "actor/holding is 1",
        lambda m: m("actor/holding") > 0,
    ),
    Stage(
        "collecting", "collecting first data: {replay/rows} steps so far", "no gradient step yet",
        lambda m: not m("learner/steps") > 0,
    ),
    Stage(
        "first lesson", "learning from the first data, before the first policy", "policy/version < 0",
        lambda m: m("policy/version") < 0,
    ),
    Stage(
        "walking", "walking {robot/forward_speed}, standing {robot/standing} of the time",
        f"robot/up > {ROLLED_OVER}, robot/standing >= {STANDS}, robot/forward_speed >= {WALKS} m/s",
        lambda m: _is_up(m) and m("robot/standing") >= STANDS and m("robot/forward_speed") >= WALKS,
    ),
    Stage(
        "standing", "standing {robot/standing} of the time",
        f"robot/up > {ROLLED_OVER}, robot/standing >= {STANDS}",
        lambda m: _is_up(m) and m("robot/standing") >= STANDS,
    ),
    Stage(
        "rolled over", "rolled over: upright {robot/upright} of the time, standing {robot/standing}",
        f"robot/up > {ROLLED_OVER}", _is_up,
    ),
    Stage("on its back", "lying on its back", f"robot/up < {ON_BACK}", lambda m: m("robot/up") < ON_BACK),
    Stage(
        "rolling over", "rolling over: up.z {robot/up}", f"robot/up from {ON_BACK} to {ROLLED_OVER}",
        lambda m: not math.isnan(m("robot/up")),
    ),
    Stage("learning", "learning", "nothing of the above", lambda m: True),
)  # fmt: skip

MILESTONES = (
    Milestone(
        "policy", "first policy on the robot", "policy/version >= 0",
        lambda m: m("policy/version") >= 0, windowed=False,
    ),
    Milestone("rolled over", "rolled over", f"up.z over 1,000 steps > {ROLLED_OVER}", _is_up),
    Milestone(
        "stands", "stands half of the time", f"standing in {100 * STANDS:.0f} % of 1,000 steps",
        lambda m: m("robot/standing") >= STANDS,
    ),
    Milestone(
        "stands well", "stands", f"standing in {100 * STANDS_WELL:.0f} % of 1,000 steps",
        lambda m: m("robot/standing") >= STANDS_WELL,
    ),
    Milestone(
        "walks", "walks", f"{WALKS} m/s over 1,000 steps, upright",
        lambda m: _is_up(m) and m("robot/forward_speed") >= WALKS,
    ),
    Milestone(
        "walks fast", "walks fast", f"{WALKS_FAST} m/s over 1,000 steps, upright",
        lambda m: _is_up(m) and m("robot/forward_speed") >= WALKS_FAST,
    ),
)  # fmt: skip


def stage(metrics: Metrics) -> tuple[Stage, str]:
    """The stage that ``metrics`` show, and its words with the numbers filled in."""
    found = next(s for s in STAGES if s.holds(_getter(metrics)))
    return found, found.words.format_map(Words(metrics))


class Milestones:
    """Which milestones a run has reached, each with the robot minute of its first time."""

    def __init__(self) -> None:
        self.reached: dict[str, float] = {}  # key -> robot minute

    def update(self, metrics: Metrics) -> list[Milestone]:
        """Those that ``metrics``, the newest of every name, reach for the first time."""
        get = _getter(metrics)
        minute = get("robot/minutes")
        if math.isnan(minute):
            return []
        # A window that is not full says little: ten steps of a robot that was set upright are no roll-over.
        filling = get("robot/window") < WINDOW
        open_ = [m for m in MILESTONES if m.key not in self.reached and not (m.windowed and filling)]
        new = [m for m in open_ if m.holds(get)]
        self.reached.update({m.key: minute for m in new})
        return new


def _getter(metrics: Metrics) -> _Get:
    return lambda name: float(metrics.get(name, math.nan))


def glossary() -> str:
    """Both tables as Markdown."""
    lines = ["| stage | shown as | when (the first row that holds) |", "|---|---|---|"]
    lines += [f"| {s.key} | {s.words} | {s.when} |" for s in STAGES]
    lines += ["", "| milestone | first time that |", "|---|---|"]
    lines += [f"| {m.words} | {m.when} |" for m in MILESTONES]
    return "\n".join(lines) + "\n"
