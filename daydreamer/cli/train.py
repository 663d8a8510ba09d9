"""``daydreamer train``: learner and actor on this computer, watched, with a panel."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from daydreamer.cli.options import (
    AgentName,
    CalibrationFile,
    Changes,
    ConsoleAt,
    Estop,
    Logdir,
    PresetName,
    check_port,
    check_positive,
    check_seed,
    with_agent,
    with_calibration,
)
from daydreamer.cli.train_hands import TrainHands
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.monitor import alarms
from daydreamer.monitor.alarm_watch import News, Watch
from daydreamer.monitor.keys import Keys
from daydreamer.monitor.record import Record
from daydreamer.monitor.tail import Tail
from daydreamer.monitor.terminal import Panel
from daydreamer.presets.registry import load
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.recording.recorder import check_installed
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.supervise import LEARNER_GRACE, Child, Supervisor, this_program, threads_here
from daydreamer.web import beside

_SAY_EVERY = 60.0  # s between two warnings that metrics cannot be read


@dataclass(frozen=True)
class Train:
    """Train a robot on this computer: starts a learner and an actor, and shows how they do.

    Either process is started again when it dies. Ctrl-C stops both after a last checkpoint. The same command on
    the same --logdir goes on where it stopped: weights, replay, counters, random streams.

    Keys in the panel: space stops the robot (it damps until a reset), p pauses, r resumes, l lies down, R resets after
    a stop, g and b mark what it just did as good or bad, h that someone set it anew by hand, q quits as Ctrl-C does.
    """

    logdir: Logdir
    preset: PresetName = "a1-sim"
    agent: AgentName = ""
    changes: Changes = ()
    calibration: CalibrationFile = None
    robot_minutes: Annotated[
        float | None, tyro.conf.arg(metavar="M", help="stop when the robot has lived so long; none: never")
    ] = None
    seed: Annotated[
        int, tyro.conf.arg(help="of weights and sampling, which a run that goes on keeps, and of the robot")
    ] = 0
    speed: Annotated[
        Literal["max", "realtime"],
        tyro.conf.arg(help="of a simulated robot: as fast as possible, or as on Earth"),
    ] = "max"
    estop: Estop = ""
    console: ConsoleAt = ""
    monitor: Annotated[bool, tyro.conf.arg(help="a page in the browser, in a process of its own")] = True
    monitor_port: Annotated[int, tyro.conf.arg(help="of the page; the next free one if taken")] = beside.PORT
    record: Annotated[
        bool,
        tyro.conf.FlagCreatePairsOff,
        tyro.conf.arg(help="the robot's states, commands and faults in MCAP files, as `record` does"),
    ] = False
    plain: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="lines in place of the panel")
    ] = False

    def run(self) -> int:
        """Supervise until finished or stopped."""
        die_with_parent()  # where `bench` has started it
        check_seed(self.seed)
        check_positive(robot_minutes=self.robot_minutes)
        check_port(monitor_port=self.monitor_port)
        # Loaded here so that a wrong name is told here, not in a log file.
        learner = load(self.preset, self._all_changes()).learner
        run_dir = RunDir(writable_directory(self.logdir))
        title = f"{self.preset}  {self.logdir}"
        tail = Tail(run_dir.metrics)
        history = run_dir.metrics if run_dir.metrics.exists() else None
        for _ in tail.read():  # what was before is the panel's history, not its news
            pass
        children = self._children(run_dir)
        if self.monitor and beside.installed():
            try:
                child, url = beside.page(run_dir.path, run_dir.log("monitor"), self.monitor_port)
            except OSError as error:
                raise DaydreamerError(
                    f"cannot write to {run_dir.path}: {error}. Choose another --logdir"
                ) from error
            children, title = [*children, child], f"{title}  {url}"
        if self.record:
            check_installed()
            command = this_program("record", str(run_dir.path))
            children = [*children, Child("recorder", command, run_dir.log("recorder"), vital=False)]
        with StopSignals() as stop:
            with contextlib.ExitStack() as opened:
                panel = opened.enter_context(
                    Panel(title, self.robot_minutes, history=history, plain_lines=self.plain or None)
                )
                hands = None
                if self.console != "off":
                    hands = opened.enter_context(TrainHands(run_dir, panel))
                    if panel.live:
                        opened.enter_context(Keys(hands.press))

                news = News()
                watch = Watch(run_dir.path, learner.train_ratio, learner.prefill, learner.checkpoint_every)
                feed = Feed(panel, tail, watch)

                def tick() -> None:
                    feed.look()
                    if hands is not None:
                        hands.show()
                    robot = hands.facts() if hands is not None else {}
                    for raised in news.fresh(alarms.active(watch.facts(time.time(), **robot))):
                        panel.warn(f"{raised}. {raised.alarm.advice}")

                supervisor = Supervisor(children, panel.warn, tick)
                code = supervisor.run(lambda: stop() or (hands.quit if hands is not None else None))
                feed.look()
            if supervisor.failure:
                print(f"error: {supervisor.failure}", file=sys.stderr)
            return code or stop.exit_code

    def _all_changes(self) -> tuple[str, ...]:
        return with_agent(with_calibration(self.changes, self.calibration), self.agent)

    def _children(self, run_dir: RunDir) -> list[Child]:
        address = f"127.0.0.1:{beside.free_port('127.0.0.1', 0)}"
        same = ["--preset", self.preset, "--logdir", str(self.logdir), "--seed", str(self.seed)]
        same += ["--speed", self.speed]
        same += [word for change in self._all_changes() for word in ("--set", change)]
        minutes = [] if self.robot_minutes is None else ["--robot-minutes", str(self.robot_minutes)]
        learner = this_program("learner", "--bind", address, *minutes, *same)
        estop = ["--estop", self.estop] if self.estop else []
        console = ["--console", self.console] if self.console else []
        actor = this_program("actor", "--connect", address, *same, *estop, *console)
        return [
            Child(
                "learner", learner, run_dir.log("learner"), threads_here(), decides=True, grace=LEARNER_GRACE
            ),
            Child("actor", actor, run_dir.log("actor")),
        ]


class Feed:
    """Hands new lines of metrics to the panel and to the alarms. While the disk gives none the run goes on without.

    ``clock`` is monotonic seconds.
    """

    def __init__(self, panel: Panel, tail: Tail, watch: Watch, clock: Callable[[], float] = time.monotonic):
        self._panel, self._tail, self._watch, self._clock = panel, tail, watch, clock
        self._say_again = -math.inf

    def look(self) -> None:
        """Take what is new."""
        for record in self._records():
            self._watch.update(record)
            self._panel.update(record.metrics)

    def _records(self) -> Iterator[Record]:
        try:
            yield from self._tail.read()
        except OSError as error:
            if self._clock() >= self._say_again:
                self._say_again = self._clock() + _SAY_EVERY
                self._panel.warn(f"{self._tail.path} cannot be read now: {error}. The run goes on")
