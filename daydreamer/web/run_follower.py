"""What a run directory tells: metrics, events, milestones, the model's newest predictions. Followed in a thread."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from daydreamer.core.errors import DaydreamerError
from daydreamer.monitor.alarm_watch import Watch
from daydreamer.monitor.alarms import Facts
from daydreamer.monitor.record import Record, renewed
from daydreamer.monitor.stages import MILESTONES, Milestones, stage
from daydreamer.monitor.tail import Tail
from daydreamer.runtime.run_dir import RunDir
from daydreamer.transport.seldom import Seldom
from daydreamer.web import charts
from daydreamer.web.history import History
from daydreamer.web.past import read_past

_log = logging.getLogger(__name__)

_EVERY = 0.5  # s between two looks
_EVENTS = 100  # kept
_EVENTS_AT_START = 64_000  # bytes of the past that are read of them
_BEGINS = ("start", "resume")  # events of a learner's life that begins, after it wrote its configuration


class RunFollower:
    """Follows a run directory, which may be empty still. Any thread may ask.

    Args:
        run_dir: Read only.
        now: Unix seconds.
    """

    def __init__(self, run_dir: RunDir, now: Callable[[], float] = time.time):
        self.run_dir, self._now = run_dir, now
        self._lock = threading.Lock()
        self._history, self._metrics = History(), dict[str, float]()
        self._metrics_time = math.nan
        self._milestones = Milestones()
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._events_at: int | None = None
        self._config: dict[str, Any] = {}
        self._config_due = True
        self._watch = Watch(run_dir.path)
        self._tail: Tail | None = None
        self._ready = False
        self._seldom = Seldom(_log)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="run follower", daemon=True)

    def start(self) -> None:
        """Read the past and go on in a thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Idempotent."""
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(10.0)

    def look(self) -> None:
        """Take what is new in the directory."""
        if self._config_due:
            self._read_config()
        if self._tail is None:
            records, at = read_past(self.run_dir.metrics)
            if not at:
                records = []
            else:
                self._tail = Tail(self.run_dir.metrics, at)
        else:
            records = list(self._tail.read())
        for begin in range(0, len(records), 200):  # in pieces: others may ask in between
            with self._lock:
                for record in records[begin : begin + 200]:
                    self._take(record)
        self._ready = True
        self._read_events()

    # What others ask

    def config(self) -> dict[str, Any]:
        """The run's configuration, empty while there is none."""
        return self._config

    def curves(self, generation: int, begin: int) -> dict[str, Any]:
        """Bins of the history from ``begin`` on, or all of them when ``generation`` is not the present one."""
        with self._lock:
            history = self._history
            begin = begin if generation == history.generation else 0
            shown, peaks = charts.wanted(history.names())
            return {
                "generation": history.generation,
                "begin": begin,
                "end": history.bins,
                "series": history.since(begin, shown, peaks),
            }

    def curves_end(self) -> tuple[int, int, float] | None:
        """Changes whenever ``curves`` would: generation, bins, and the time of the newest line.

        None until the past is read: a page gets it once, not again and again while it fills.
        """
        if not self._ready:
            return None
        with self._lock:
            return self._history.generation, self._history.bins, self._metrics_time

    def status(self, robot_alive: bool = False) -> dict[str, Any]:
        """Newest metrics, stage, milestones and events, as plain data. No run is over while its robot lives."""
        with self._lock:
            found, words = stage(self._metrics)
            ended = self._ended()
            if ended is not None:
                words = "the learner is not running" if robot_alive else f"this run has ended ({ended})"
            return {
                "metrics": {name: v if math.isfinite(v) else None for name, v in self._metrics.items()},
                "metrics_time": None if math.isnan(self._metrics_time) else self._metrics_time,
                "stage": found.key,
                "words": words,
                "ended": None if robot_alive else ended,
                "milestones": [
                    {"words": m.words, "when": m.when, "minute": self._milestones.reached.get(m.key)}
                    for m in MILESTONES
                ],
                "events": list(self._events)[-20:],
            }

    def facts(self, robot_alive: bool = False, **robot: Any) -> Facts:
        """For the alarms; ``robot`` is what the console adds, see ``Watch.facts``."""
        with self._lock:
            ended = self._ended() is not None and not robot_alive
            return self._watch.facts(self._now(), ended=ended, **robot)

    # In the thread

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.look()
            except OSError as error:
                self._seldom.warning("%s cannot be read now: %s", self.run_dir.path, error)
            except Exception as error:  # without this thread the page would show this moment for ever
                self._seldom.warning("the run could not be followed, trying again: %r", error)
            self._closing.wait(_EVERY)

    def _take(self, record: Record) -> None:
        minutes, before = (of.get("robot/minutes", math.nan) for of in (record.metrics, self._metrics))
        if minutes < before / 2:  # where only some rows were lost it is the same run
            self._begin_anew()
        self._history.add(record)
        self._watch.update(record)
        self._metrics = renewed(self._metrics, record.metrics)
        self._metrics_time = record.time
        self._milestones.update(self._metrics)

    def _begin_anew(self) -> None:
        """Its directory was deleted, and holds another run now."""
        self._history = History(generation=self._history.generation + 1)
        self._metrics, self._milestones = {}, Milestones()
        self._watch, self._config_due = Watch(self.run_dir.path), True

    def _read_config(self) -> None:
        try:
            config = self.run_dir.read_config()
        except DaydreamerError:  # there is none yet
            return
        learner = config.get("learner", {})
        with self._lock:
            self._config, self._config_due = config, False
            self._watch.configure(
                learner.get("train_ratio", math.nan),
                learner.get("prefill", 0),
                learner.get("checkpoint_every", math.nan),
            )

    def _read_events(self) -> None:
        try:
            with self.run_dir.events.open("rb") as file:
                size = file.seek(0, 2)
                at, anew = self._events_at, False
                if at is None or at > size:
                    at, anew = max(0, size - _EVENTS_AT_START), True
                file.seek(at)
                block = file.read(size - at)
        except FileNotFoundError:
            return
        whole = block.rfind(b"\n") + 1
        self._events_at = at + whole
        events = [event for line in block[:whole].split(b"\n") if (event := _event(line)) is not None]
        self._config_due |= any(event["event"] in _BEGINS for event in events)
        with self._lock:
            if anew:  # those known are of a run that was deleted
                self._events.clear()
            self._events.extend(events)

    def _ended(self) -> str | None:
        """Why the run is over, when its newest word of the learner's is that it stopped."""
        for event in reversed(self._events):
            if event["event"] in _BEGINS:
                return None
            if event["event"] == "stop":
                return str(event.get("reason", "stopped"))
        return None


def _event(line: bytes) -> dict[str, Any] | None:
    """A line of events.jsonl, None when it is torn or none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event and "time" in event else None
