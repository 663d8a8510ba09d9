"""``daydreamer train``: learner and actor on this computer, watched, with a panel."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from daydreamer.cli.options import Changes, Logdir, PresetName, load_preset
from daydreamer.monitor.tail import Tail
from daydreamer.monitor.terminal import Panel
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.supervise import Child, Supervisor, learner_threads, this_program


@dataclass(frozen=True)
class Train:
    """Train a robot on this computer: starts a learner and an actor, and shows how they do.

    Either process is started again when it dies. Ctrl-C stops both after a last checkpoint. The same command on
    the same --logdir goes on where it stopped: weights, replay, counters, random streams.
    """

    logdir: Logdir
    preset: PresetName = "a1-sim"
    changes: Changes = ()
    robot_minutes: Annotated[
        float | None, tyro.conf.arg(metavar="M", help="stop when the robot has lived so long; none: never")
    ] = None
    seed: Annotated[int, tyro.conf.arg(help="of weights, robot and sampling")] = 0
    speed: Annotated[
        Literal["max", "realtime"],
        tyro.conf.arg(help="of a simulated robot: as fast as possible, or as on Earth"),
    ] = "max"
    plain: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="lines in place of the panel")
    ] = False

    def run(self) -> int:
        """Supervise until finished or stopped."""
        load_preset(self.preset, self.changes)  # a wrong name is told here, not in a log file
        run_dir = RunDir(self.logdir)
        title = f"{self.preset}  {self.logdir}"
        tail = Tail(run_dir.metrics)
        history = run_dir.metrics if run_dir.metrics.exists() else None
        for _ in tail.read():  # what was before is the panel's history, not its news
            pass
        with StopSignals() as stop:
            with Panel(title, self.robot_minutes, history=history, plain_lines=self.plain or None) as panel:
                supervisor = Supervisor(self._children(run_dir), panel.warn, tick=lambda: _feed(panel, tail))
                code = supervisor.run(stop)
                _feed(panel, tail)
            if supervisor.failure:
                print(f"error: {supervisor.failure}", file=sys.stderr)
            return code or stop.exit_code

    def _children(self, run_dir: RunDir) -> list[Child]:
        address = f"127.0.0.1:{free_port()}"
        same = ["--preset", self.preset, "--logdir", str(self.logdir), "--seed", str(self.seed)]
        same += ["--speed", self.speed]
        same += [word for change in self.changes for word in ("--set", change)]
        minutes = [] if self.robot_minutes is None else ["--robot-minutes", str(self.robot_minutes)]
        learner = this_program("learner", "--bind", address, *minutes, *same)
        actor = this_program("actor", "--connect", address, *same)
        return [
            Child("learner", learner, run_dir.log("learner"), learner_threads(os.cpu_count()), decides=True),
            Child("actor", actor, run_dir.log("actor")),
        ]


def free_port() -> int:
    """A TCP port of this computer that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _feed(panel: Panel, tail: Tail) -> None:
    for record in tail.read():
        panel.update(record.metrics)
