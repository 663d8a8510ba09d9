"""``daydreamer record``: what an actor's console tells, as MCAP files that Foxglove, PlotJuggler and ROS 2 open."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import check_positive, log_to_stderr
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.recording.recorder import Recorder, RecorderConfig
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.transport.console_client import ConsoleClient
from daydreamer.transport.console_keys import viewer_keys
from daydreamer.transport.seldom import Seldom

_log = logging.getLogger(__name__)

_HZ = 20.0  # moments per second: every control step of a robot, and as many as the console gives
_PATIENCE = 0.2  # s for the next one
_SAY_EVERY = 60.0  # s between two words of a disk that goes on refusing


@dataclass(frozen=True)
class Record:
    """Record a robot's states, commands and faults as ROS 2 messages in MCAP files, until stopped.

    A viewer like any other: the robot does not wait for it. The files open in Foxglove and PlotJuggler, and play with
    `ros2 bag play`. Needs the extra `mcap`; from a clone: pip install '.[mcap]'.
    """

    run_directory: Annotated[
        Path | None,
        tyro.conf.Positional,
        tyro.conf.arg(metavar="RUN", help="a run directory, also one to come; into its recordings/"),
    ] = None
    connect: Annotated[
        str | None,
        tyro.conf.arg(metavar="HOST:PORT", help="an actor's console, when there is no run directory here"),
    ] = None
    keys: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help="with --connect beyond this computer: the learner's keys"),
    ] = None
    name: Annotated[str, tyro.conf.arg(help="of the actor")] = "actor"
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help="where to, in place of the run's")] = None
    minutes: Annotated[float, tyro.conf.arg(metavar="M", help="of one file")] = 10.0
    keep_gb: Annotated[
        float, tyro.conf.arg(metavar="GB", help="of one actor's files; the oldest go first")
    ] = 4.0

    def run(self) -> int:
        """Follow and write."""
        directory = self.out or (RunDir(self.run_directory).recordings if self.run_directory else None)
        if directory is None or (self.run_directory is None and self.connect is None):
            raise DaydreamerError(
                "name a run directory; or an actor's console and a directory, with --connect HOST:PORT --out DIR"
            )
        check_positive(minutes=self.minutes, keep_gb=self.keep_gb)
        try:
            config = RecorderConfig(self.minutes, round(self.keep_gb * 1e9))
        except ValueError as error:
            raise DaydreamerError(str(error)) from error
        log_to_stderr()
        die_with_parent()
        recorder = Recorder(directory, self.name, config)
        keys = viewer_keys(self.keys, self.name) if self.keys else None
        source = self.connect or RunDir(self.run_directory or "").actor(self.name)
        with StopSignals() as stop, ConsoleClient(source, keys=keys, hz=_HZ, viewer="recorder") as client:
            _follow(client, recorder, stop)
        if recorder.path is not None:
            print(recorder.path)
        return stop.exit_code


def _follow(client: ConsoleClient, recorder: Recorder, stop: StopSignals) -> None:
    """Write what comes until stopped. A disk that refuses is told of, and tried again: nobody depends on us."""
    seldom = Seldom(_log, _SAY_EVERY)
    try:
        while not stop():
            telemetry = client.latest(_PATIENCE)
            try:
                if telemetry is not None:
                    recorder.take(telemetry)
            except OSError as error:
                seldom.warning("the recording is interrupted: %s", error)
    finally:
        try:
            recorder.close()
        except OSError as error:
            _log.error("the end of %s is lost: %s", recorder.path, error)
