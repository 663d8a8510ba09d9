"""Named alarms: what is wrong with a run, from which number on, and what to do about it.

A table of pure functions over ``Facts``. Everything that is not known reads as NaN, and every comparison with NaN is
false: what has not been measured raises nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from daydreamer.monitor.formats import duration, size
from robots.safety.config import SafetyConfig

Metrics = Mapping[str, float]

METRICS_SILENT = 30.0  # s without a line of metrics, of a run that has not ended
NO_ROWS = 120.0  # s of metrics in which no row came
GONE = 120.0  # s for which one of several actors is not connected
FORGOTTEN = 86400.0  # s after which it is missed no more
UNSAVED = 5.0  # times learner.checkpoint_every, of 10 s at least
ROBOT_SILENT = 3.0  # s without word from the actor's console
POLICY_STALE = 120.0  # s on one policy, while a newer one is published
RATIO_OFF = 0.2  # share by which the replay ratio may miss its target
STALLED = 10.0  # robot minutes of each of the two windows that are compared
STALLED_GAIN = 0.1  # reward that the newer window must be above the older
SUCCEEDS = 0.9  # share of steps standing, from which on a flat reward is success
REWARD_ERROR = 3.0  # times the reward loss of 10 robot minutes ago
REWARD_ERROR_LEAST = 1.5  # nats, below which growth is no concern
ENTROPY_LOW = 0.05  # of the policy: 0 is its least standard deviation
MOTOR_WARM = SafetyConfig().motor_warm  # degC, where the robot's own safety begins to warn
FLAPS = 3  # losses of the link in the last ten minutes
LATE = 10.0  # ms, mean lateness of a control step, of 50
DISK = 86400.0  # s until the disk is full
DISK_LEAST = 1e9  # bytes


@dataclass(frozen=True)
class Facts:
    """What the alarms look at.

    Attributes:
        metrics: The newest value of every name.
        past: ``(robot minute, metrics)`` of the last half hour of robot time, oldest first.
        metrics_age: Seconds since the newest line of metrics; NaN before the first and after the run's end.
        rows_age: Seconds of metrics since rows came; NaN like metrics_age.
        robot_age: Seconds since the actor's console was heard; NaN where none is followed.
        temperature: degC of the hottest motor.
        stopped: Why the robot no longer obeys; empty while it does.
        estop: none, ready, pressed or lost.
        holding: Whether the robot says that it holds still for want of room in its spool.
        paused: Whether every robot says that a person keeps it from learning, or its safety does.
        gone: Which of several actors are no longer connected; empty while nobody is missed.
        flaps: How often the link was lost in the last ten minutes.
        checkpoint_every: Seconds between two checkpoints, as configured.
        ratio_target: Replayed steps per collected step that should be reached by now.
        disk_free: Bytes.
        disk_rate: Bytes per second by which the run grows.
    """

    metrics: Metrics = field(default_factory=dict)
    past: Sequence[tuple[float, Metrics]] = ()
    metrics_age: float = math.nan
    rows_age: float = math.nan
    robot_age: float = math.nan
    temperature: float = math.nan
    stopped: str = ""
    estop: str = "none"
    holding: bool = False
    paused: bool = False
    gone: str = ""
    flaps: int = 0
    checkpoint_every: float = math.nan
    ratio_target: float = math.nan
    disk_free: float = math.nan
    disk_rate: float = math.nan

    def get(self, name: str) -> float:
        """The newest value, NaN when there is none."""
        return self.metrics.get(name, math.nan)

    def mean(self, name: str, begin: float, end: float) -> float:
        """Mean of ``name`` from ``begin`` to ``end`` robot minutes ago; NaN unless the past reaches so far back."""
        now = self.get("robot/minutes")
        if not self.past or not self.past[0][0] <= now - begin:
            return math.nan
        values = [m[name] for minute, m in self.past if now - begin <= minute <= now - end and name in m]
        return sum(values) / len(values) if values else math.nan


@dataclass(frozen=True)
class Alarm:
    """One row of the table. ``words`` and ``advice`` are for a person; ``when`` tells the threshold."""

    key: str
    danger: bool  # a person should go to the robot, or the run is lost; else it should be looked at
    words: str
    when: str
    advice: str
    holds: Callable[[Facts], bool]
    detail: Callable[[Facts], str] = lambda facts: ""


@dataclass(frozen=True)
class Raised:
    """An alarm that holds now; ``detail`` quotes the number that raised it."""

    alarm: Alarm
    detail: str

    def __str__(self) -> str:
        return f"{self.alarm.words}: {self.detail}" if self.detail else self.alarm.words


def active(facts: Facts) -> list[Raised]:
    """The alarms that hold, dangers first, else in the order of the table."""
    raised = [Raised(alarm, alarm.detail(facts)) for alarm in ALARMS if alarm.holds(facts)]
    return sorted(raised, key=lambda r: not r.alarm.danger)


def _stalled(f: Facts) -> bool:
    older, newer = f.mean("robot/reward", 2 * STALLED, STALLED), f.mean("robot/reward", STALLED, 0.0)
    return newer < older + STALLED_GAIN and not f.mean("robot/standing", STALLED, 0.0) >= SUCCEEDS


def _reward_error(f: Facts) -> tuple[float, float]:
    """The reward loss of the last two robot minutes, and that of ten minutes before."""
    return f.mean("train/loss/reward", 2.0, 0.0), f.mean("train/loss/reward", 12.0, 10.0)


def _reward_error_grows(f: Facts) -> bool:
    now, before = _reward_error(f)
    return now >= REWARD_ERROR_LEAST and now >= REWARD_ERROR * before


def _losses(f: Facts) -> list[str]:
    return sorted(name for name, v in f.metrics.items() if name.startswith("train/loss/") and math.isnan(v))


def _policy_stale(f: Facts) -> bool:
    return f.get("policy/age_s") > POLICY_STALE and f.get("policy/published") > f.get("policy/version")


def _ratio_off(f: Facts) -> bool:
    return abs(f.get("replay/ratio") - f.ratio_target) > RATIO_OFF * f.ratio_target


def _unsaved(f: Facts) -> bool:
    return f.get("learner/checkpoint_age_s") > UNSAVED * max(f.checkpoint_every, 10.0)


def _no_rows(f: Facts) -> bool:
    """A learner that works may have told its actor to wait; one that waits itself has not."""
    if not f.rows_age > NO_ROWS or f.paused or f.stopped:
        return False
    waits = f.get("learner/waiting") > 0.5 and not f.get("actor/paused") > 0
    return f.get("learner/actors") == 0 or waits


def _days_left(f: Facts) -> float:
    """Seconds until the disk is full; NaN while the run does not grow."""
    return f.disk_free / f.disk_rate if f.disk_rate > 0 else math.nan


# fmt: off
ALARMS = (
    Alarm(
        "robot-stopped", True, "the robot is stopped", "its safety or a person has stopped it",
        "Look at the robot. When it is safe, reset it with your name.",
        lambda f: bool(f.stopped), lambda f: f.stopped,
    ),
    Alarm(
        "estop-lost", True, "the e-stop is not heard", "e-stop state is lost",
        "Do not go on without it: check its battery, its cable and its receiver.",
        lambda f: f.estop == "lost",
    ),
    Alarm(
        "robot-silent", True, "no word from the robot", f"actor's console silent for {ROBOT_SILENT:g} s",
        "Keep away and use the e-stop: from here nobody can see or stop it now. Look at the actor's log and network.",
        lambda f: f.robot_age > ROBOT_SILENT, lambda f: f"for {duration(f.robot_age)}",
    ),
    Alarm(
        "motor-hot", True, "a motor is near its limit", f"{MOTOR_WARM:g} degC or more",
        "Pause and let it cool; it switches off at 60 degC. Often one leg carries the body while it lies.",
        lambda f: f.temperature >= MOTOR_WARM, lambda f: f"{f.temperature:.0f} degC",
    ),
    Alarm(
        "not-finite", True, "a loss is not a number", "any train/loss/... is not finite",
        "The learner skips bad batches and ends after ten; if it comes back, lower the learning rates.",
        lambda f: bool(_losses(f)), lambda f: ", ".join(_losses(f)),
    ),
    Alarm(
        "disk", True, "the disk is nearly full",
        f"less than a day at the present rate, or less than {size(DISK_LEAST)}",
        "Make room on the learner's disk. When it is full nothing is acknowledged, and the robot holds still.",
        lambda f: _days_left(f) < DISK or f.disk_free < DISK_LEAST,
        lambda f: f"{size(f.disk_free)} free" + (
            f", enough for {duration(_days_left(f))}" if _days_left(f) < DISK else ""),
    ),
    Alarm(
        "disk-refuses", True, "the disk takes no rows", "replay/refused_by_disk is 1",
        "Nothing is acknowledged, and the robot holds still when its spool is full. Look at learner.log and at the "
        "learner's disk: room, quota, inodes, mounted read-only, a server that hangs.",
        lambda f: f.get("replay/refused_by_disk") > 0,
    ),
    Alarm(
        "unsaved", True, "what is learned is not saved",
        f"learner/checkpoint_age_s above {UNSAVED:g} times learner.checkpoint_every",
        "If the learner ends now, it goes on from its last checkpoint. Look at learner.log for why no newer one is "
        "written, and at the learner's disk.",
        _unsaved, lambda f: f"for {duration(f.get('learner/checkpoint_age_s'))}",
    ),
    Alarm(
        "metrics-silent", False, "the learner says nothing", f"no metrics for {METRICS_SILENT:g} s",
        "Look at learner.log. The robot goes on with the policy it has, and its rows are kept.",
        lambda f: f.metrics_age > METRICS_SILENT, lambda f: f"for {duration(f.metrics_age)}",
    ),
    Alarm(
        "no-rows", False, "no rows come",
        f"robot/minutes the same for {NO_ROWS:g} s, and no actor connected or the learner waits; not while the "
        "robot is paused or stopped",
        "Does the actor run, and does its network reach the learner? Look at actor.log, then at learner.log.",
        _no_rows,
        lambda f: f"for {duration(f.rows_age)}, "
                  + ("no actor is connected" if f.get("learner/actors") == 0 else "the learner waits for them"),
    ),
    Alarm(
        "actor-gone", False, "an actor is gone",
        f"of several actors one has not been connected for {GONE:g} s, but was within a day",
        "Learning goes on with the others. Does it run, and does its network reach the learner? Look at its actor.log. "
        "One that was ended on purpose is missed for a day, too, unless it ran on this computer.",
        lambda f: bool(f.gone), lambda f: f.gone,
    ),
    Alarm(
        "holding", False, "the robot holds still: its spool is full", "the robot says holding, or actor/holding is 1",
        "Bring the learner or the network back; it goes on by itself.",
        lambda f: f.holding or f.get("actor/holding") > 0,
    ),
    Alarm(
        "link-flapping", False, "the link comes and goes", f"lost {FLAPS} times in ten minutes",
        "Move the antenna or use a cable. No row is lost, but policies come late.",
        lambda f: f.flaps >= FLAPS, lambda f: f"lost {f.flaps} times in ten minutes",
    ),
    Alarm(
        "policy-stale", False, "the robot runs an old policy",
        f"policy/age_s above {POLICY_STALE:g} while a newer one is published",
        "The link is slow or the actor cannot load what comes: look at link and actor.log.",
        _policy_stale, lambda f: f"for {duration(f.get('policy/age_s'))}",
    ),
    Alarm(
        "late", False, "control steps begin late", f"actor/late_ms above {LATE:g}",
        "Something else uses the robot's computer: look at the chart of step times.",
        lambda f: f.get("actor/late_ms") > LATE, lambda f: f"{f.get('actor/late_ms'):.0f} ms on average",
    ),
    Alarm(
        "ratio-off", False, "the replay ratio is off target", f"more than {RATIO_OFF:.0%} from its target",
        "Too low: the learner is too slow for this robot, use a faster one, or a lower train_ratio. "
        "Too high: rows are lost.",
        _ratio_off, lambda f: f"{f.get('replay/ratio'):.0f}, expected {f.ratio_target:.0f}",
    ),
    Alarm(
        "stalled", False, "learning has stalled",
        f"reward of the last {STALLED:g} robot minutes is not {STALLED_GAIN:g} above that of the {STALLED:g} before, "
        f"standing below {SUCCEEDS:.0%}",
        "Watch the robot: is it stuck, slipping, or on its back against a wall? Then look at entropy and reward error.",
        _stalled,
        lambda f: f"reward {f.mean('robot/reward', STALLED, 0.0):.2f}, "
                  f"before {f.mean('robot/reward', 2 * STALLED, STALLED):.2f}",
    ),
    Alarm(
        "reward-error", False, "the reward model's error grows",
        f"train/loss/reward is {REWARD_ERROR:g} times that of ten robot minutes ago and above {REWARD_ERROR_LEAST:g}",
        "New behaviour raises it for a while. If it stays, the reward has changed: check sensors and the estimator.",
        _reward_error_grows, lambda f: "{:.2f}, before {:.2f}".format(*_reward_error(f)),
    ),
    Alarm(
        "entropy-collapsed", False, "the policy hardly explores", f"train/policy_entropy below {ENTROPY_LOW:g}",
        "Raise the entropy weight or its target: a policy that tries nothing new learns nothing new.",
        lambda f: f.get("train/policy_entropy") < ENTROPY_LOW,
        lambda f: f"entropy {f.get('train/policy_entropy'):.2f}",
    ),
)
# fmt: on


def glossary() -> str:
    """The table as Markdown."""
    lines = ["| alarm | shown as | when | what to do |", "|---|---|---|---|"]
    lines += [
        f"| `{a.key}`{' (danger)' if a.danger else ''} | {a.words} | {a.when} | {a.advice} |" for a in ALARMS
    ]
    return "\n".join(lines) + "\n"
