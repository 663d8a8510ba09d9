"""What a run has done so far: the newest metrics, curves over robot time, milestones, ETA, warnings."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping

from daydreamer.monitor.curve import Curve
from daydreamer.monitor.formats import one_line
from daydreamer.monitor.now import Now
from daydreamer.monitor.record import Record, renewed
from daydreamer.monitor.stages import Milestone, Milestones

CURVES = (
    *("robot/reward", "robot/upright", "robot/standing", "robot/forward_speed"),
    *("train/loss/model", "train/kl", "train/policy_entropy", "train/imag_reward"),
)
_RATE_WINDOW = 300.0  # s: long enough to smooth over pauses, short enough to follow a change of pace
_RATE_EVERY = 1.0  # s between the samples that the pace is measured from
_WARNINGS = 8


class Story:
    """Everything a view needs, without any drawing. Memory is bounded for runs of any length.

    Args:
        target_minutes: Robot minutes at which the run is over; None when it has no end.
    """

    def __init__(self, target_minutes: float | None = None):
        self.target_minutes = target_minutes
        self.metrics: dict[str, float] = {}  # newest of every name
        self.curves = {name: Curve() for name in CURVES}  # over robot/minutes
        self.milestones = Milestones()
        self.warnings: deque[tuple[str, int]] = deque(maxlen=_WARNINGS)  # (text, times in a row), newest last
        self.now: Now | None = None  # what the robot's console says; None while it is silent
        self.problem = ""  # why it is; empty where nobody listens to it
        self.asked = ""  # a person's wish that is under way
        self._pace: deque[tuple[float, float]] = deque()  # (now [s], robot minutes)

    def replay(self, records: Iterable[Record]) -> None:
        """Take curves and milestones from the past. Its newest values are old news, and are not kept."""
        past: dict[str, float] = {}
        for record in records:
            past.update(record.metrics)
            self._remember(past, record.metrics)

    def update(self, metrics: Mapping[str, float], now: float) -> list[Milestone]:
        """Take new values (names may be missing) at ``now`` [s]; returns milestones that they reach."""
        self.metrics = renewed(self.metrics, {name: float(value) for name, value in metrics.items()})
        self._keep_pace(now)
        return self._remember(self.metrics, metrics)

    def see(self, now: Now | None, problem: str = "") -> None:
        """Take what the robot's console says, or None and why it says nothing."""
        if now is not None and (self.now is None or now.told != self.now.told):
            self.asked = ""
        self.now, self.problem = now, problem

    def warn(self, text: str) -> bool:
        """Keep a warning. One that repeats the last is counted, not kept twice: then the answer is False."""
        text = one_line(text)
        if self.warnings and self.warnings[-1][0] == text:
            self.warnings[-1] = (text, self.warnings[-1][1] + 1)
            return False
        self.warnings.append((text, 1))
        return True

    def get(self, name: str) -> float:
        """The newest value, NaN when there is none."""
        return self.metrics.get(name, math.nan)

    @property
    def done(self) -> float:
        """Share of the target that is behind us, 0 .. 1; NaN without a target or a robot."""
        minutes = self.get("robot/minutes")
        if not self.target_minutes or math.isnan(minutes):
            return math.nan
        return min(1.0, minutes / self.target_minutes)

    @property
    def eta(self) -> float:
        """Wall seconds to the target at the pace of the last five minutes; NaN when that is not known."""
        if not self.target_minutes or len(self._pace) < 2:
            return math.nan
        (then, before), (now, minutes) = self._pace[0], self._pace[-1]
        left = self.target_minutes - minutes
        if left <= 0:
            return 0.0
        return left * (now - then) / (minutes - before) if minutes > before else math.nan

    def _remember(self, newest: Mapping[str, float], changed: Mapping[str, float]) -> list[Milestone]:
        minute = newest.get("robot/minutes", math.nan)
        for name, curve in self.curves.items():
            if name in changed:
                curve.add(minute, changed[name])
        return self.milestones.update(newest)

    def _keep_pace(self, now: float) -> None:
        minutes = self.get("robot/minutes")
        if math.isnan(minutes) or (self._pace and now - self._pace[-1][0] < _RATE_EVERY):
            return
        self._pace.append((now, minutes))
        while now - self._pace[0][0] > _RATE_WINDOW:
            self._pace.popleft()
