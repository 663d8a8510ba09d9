"""Gathers what the alarms look at while a run goes on, in bounded memory."""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path

from daydreamer.monitor.alarms import FORGOTTEN, GONE, METRICS_SILENT, Facts, Raised
from daydreamer.monitor.record import Record, renewed

_KEEP = 25.0  # robot minutes of the past
_EVERY = 0.1  # robot minutes between two points of it
_TREND = ("robot/reward", "robot/standing", "train/loss/reward")  # what is compared with its past
_FLAP_WINDOW = 600.0  # s
_RATE_WINDOW = 600.0  # s over which the growth of the run is measured
_RATE_LEAST = 60.0  # s of it, before which the rate says nothing


class Watch:
    """Fed with every record, asked for ``Facts``. One thread.

    Args:
        directory: Of the run, on the disk that must not fill up; None: disks are not watched.
        train_ratio: Replayed steps per collected step that the run is configured for; NaN when not known.
        prefill: Rows before the first update.
        checkpoint_every: Seconds between two checkpoints; NaN when not known.
    """

    def __init__(
        self,
        directory: Path | None = None,
        train_ratio: float = math.nan,
        prefill: int = 0,
        checkpoint_every: float = math.nan,
    ):
        self._directory = directory
        self.configure(train_ratio, prefill, checkpoint_every)
        self._metrics: dict[str, float] = {}
        self._time = math.nan  # of the newest record
        self._without_rows = math.nan  # s of metrics since rows came
        self._past: deque[tuple[float, Mapping[str, float]]] = deque()
        self._connected: dict[str, float] = {}  # when each of several actors was last seen to be
        self._lost: deque[float] = deque(maxlen=100)  # when the link was lost
        self._bytes: deque[tuple[float, float]] = deque()  # (time, replay bytes)

    def configure(self, train_ratio: float, prefill: int, checkpoint_every: float) -> None:
        """What the run is configured for from now on, as above; what was seen of it stays."""
        self._train_ratio, self._prefill, self._checkpoint_every = train_ratio, prefill, checkpoint_every

    def update(self, record: Record) -> None:
        """Take a record; they come oldest first."""
        self._watch_rows(record)
        was_connected = self._metrics.get("link/connected", 0.0)
        self._metrics = renewed(self._metrics, record.metrics)
        self._time = record.time
        if was_connected > 0 and record.metrics.get("link/connected") == 0:
            self._lost.append(record.time)
        self._watch_actors(record)
        if "replay/bytes" in record.metrics:
            self._bytes.append((record.time, record.metrics["replay/bytes"]))
            while record.time - self._bytes[0][0] > _RATE_WINDOW or len(self._bytes) > 2000:
                self._bytes.popleft()
        self._remember()

    def facts(
        self,
        now: float,
        *,
        ended: bool = False,
        robot_age: float = math.nan,
        temperature: float = math.nan,
        stopped: str = "",
        estop: str = "none",
        holding: bool = False,
        paused: bool = False,
        retired: Collection[str] = (),
    ) -> Facts:
        """What is known at ``now`` (unix s); the rest is what the actor's console tells, if it is followed.

        Args:
            now: Unix seconds.
            ended: True when the run is over, so that silence is no alarm.
            robot_age: Seconds since the console was heard.
            temperature: degC of the hottest motor.
            stopped: Why the robot no longer obeys.
            estop: State of the e-stop.
            holding: Whether the robot holds still for want of room in its spool.
            paused: Whether every robot is kept from learning, by a person or its safety.
            retired: Actors that have ended on purpose.
        """
        return Facts(
            metrics={} if ended else self._metrics,
            past=() if ended else tuple(self._past),
            metrics_age=math.nan if ended else now - self._time,
            rows_age=math.nan if ended else self._without_rows,
            robot_age=math.nan if ended else robot_age,
            temperature=temperature,
            stopped=stopped,
            estop=estop,
            holding=holding,
            paused=paused,
            gone="" if ended else self._gone(retired),
            flaps=sum(now - lost <= _FLAP_WINDOW for lost in self._lost),
            checkpoint_every=self._checkpoint_every,
            ratio_target=self._ratio_target(),
            disk_free=self._disk_free(),
            disk_rate=math.nan if ended else self._disk_rate(),
        )

    def _watch_rows(self, record: Record) -> None:
        """Before ``record`` is taken. A learner that began anew waits anew; a gap in the lines proves nothing."""
        new, known = record.metrics, self._metrics
        came = new.get("robot/minutes", math.nan) != known.get("robot/minutes", math.nan)
        began = new.get("learner/wall_minutes", math.inf) < known.get("learner/wall_minutes", -math.inf)
        if came or began:
            self._without_rows = 0.0
        else:
            self._without_rows += min(max(0.0, record.time - self._time), METRICS_SILENT)

    def _watch_actors(self, record: Record) -> None:
        """Lines have actors by name while the learner knows of several: one that began anew may know of fewer."""
        here = {
            name.removeprefix("actor/").removesuffix("/connected"): record.time
            for name, value in record.metrics.items()
            if name.startswith("actor/") and name.endswith("/connected") and value > 0
        }
        seen = {name: then for name, then in self._connected.items() if record.time - then <= FORGOTTEN}
        self._connected = seen | here

    def _gone(self, retired: Collection[str]) -> str:
        """Who is missed, and of how many it cannot be told who."""
        seen = {name: then for name, then in self._connected.items() if name not in retired}
        missing = len(seen) - self._metrics.get("learner/actors", math.nan)
        gone = sorted(name for name, then in seen.items() if self._time - then > GONE)
        if not (gone and missing > 0):
            return ""
        return (f"{missing:.0f} of " if missing < len(gone) else "") + ", ".join(gone)

    def _remember(self) -> None:
        minute = self._metrics.get("robot/minutes", math.nan)
        if math.isnan(minute) or (self._past and minute - self._past[-1][0] < _EVERY):
            return
        self._past.append((minute, {n: self._metrics[n] for n in _TREND if n in self._metrics}))
        while minute - self._past[0][0] > _KEEP:
            self._past.popleft()

    def _ratio_target(self) -> float:
        """Updates are owed for the rows after the prefill; too early there is too little to compare."""
        rows = self._metrics.get("replay/rows", math.nan)
        if not rows > 2 * max(self._prefill, 1):
            return math.nan
        return self._train_ratio * (1 - self._prefill / rows)

    def _disk_free(self) -> float:
        if self._directory is None:
            return math.nan
        try:
            return float(shutil.disk_usage(self._directory).free)
        except OSError:
            return math.nan

    def _disk_rate(self) -> float:
        if not self._bytes or self._bytes[-1][0] - self._bytes[0][0] < _RATE_LEAST:
            return math.nan
        (then, before), (now, after) = self._bytes[0], self._bytes[-1]
        return (after - before) / (now - then)


class News:
    """Of the alarms that hold, those that did not hold a moment ago."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def fresh(self, raised: list[Raised]) -> list[Raised]:
        """The alarms of ``raised`` that were not in the list given before; one that went and came back is fresh."""
        known, self._known = self._known, {one.alarm.key for one in raised}
        return [one for one in raised if one.alarm.key not in known]
