"""``daydreamer actor``: the robot's half by itself."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import tyro

from daydreamer.cli.options import (
    CalibrationFile,
    Changes,
    ConsoleAt,
    Estop,
    KeysDir,
    Logdir,
    PresetName,
    check_positive,
    check_seed,
    log_to_stderr,
    with_calibration,
)
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.transition import row_spec
from daydreamer.core.writable import writable_directory
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.hands import Wanted
from daydreamer.runtime.run_dir import RunDir, next_life
from daydreamer.runtime.service_manager import pause_before_the_next_start
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.runtime.wanted_file import WantedFile
from robots.robot import NO_ROBOT, RobotAbsent, StaleState

if TYPE_CHECKING:
    from daydreamer.core.telemetry import Telemetry
    from daydreamer.envs.robot_env import RobotEnv
    from daydreamer.runtime.attendant import Attendant
    from daydreamer.transport.auth import LearnerKeys
    from daydreamer.transport.console import Console

_log = logging.getLogger(__name__)

LOCK_PATIENCE = 10.0  # s; a killed supervisor's actor damps its robot first, and sends what is left
NAME = "actor"  # where no other is given


def seeds_of(seed: int, name: str, life: int) -> tuple[int, int]:
    """Seeds of a simulated robot and of exploration for one life of the actor ``name``.

    Every life and every name draws other numbers, and the same ones when the run is repeated.
    """
    mine = () if name == NAME else (zlib.crc32(name.encode()),)
    robot, noise = np.random.SeedSequence([seed, life, *mine]).generate_state(2)
    return int(robot), int(noise)


@dataclass(frozen=True)
class ActorCommand:
    """Drive a robot by the newest policy of a learner, and send it what happens. Needs no torch.

    Connects out to the learner and goes on without it: rows wait on disk, in --logdir, until they are
    acknowledged. Ctrl-C leaves the robot damped. Exit code 75: no robot answers, yet; 2: it would fail again in the
    same way.
    """

    logdir: Logdir
    preset: PresetName = "a1-sim"
    changes: Changes = ()
    calibration: CalibrationFile = None
    connect: Annotated[str, tyro.conf.arg(metavar="HOST:PORT", help="where the learner listens")] = (
        "127.0.0.1:5555"
    )
    keys: KeysDir = None
    name: Annotated[
        str, tyro.conf.arg(help="of this actor; each has its own, and its own key actor NAME")
    ] = NAME
    seed: Annotated[
        int, tyro.conf.arg(help="of a simulated robot and of exploration, which differ with --name, too")
    ] = 0
    speed: Annotated[
        Literal["max", "realtime"],
        tyro.conf.arg(help="of a simulated robot: as fast as possible, or as on Earth"),
    ] = "max"
    estop: Estop = ""
    console: ConsoleAt = ""
    spool_mb: Annotated[
        int, tyro.conf.arg(metavar="MB", help="as much may wait on the disk for the learner")
    ] = 1024
    when_full: Annotated[
        Literal["hold", "drop-oldest"],
        tyro.conf.arg(
            help="then hold the robot until there is room, or give up the oldest rows (link/dropped)"
        ),
    ] = "hold"
    insecure: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="connect beyond this computer without keys")
    ] = False

    def run(self) -> int:
        """Act until stopped."""
        log_to_stderr()
        die_with_parent()
        check_seed(self.seed)
        check_positive(spool_mb=self.spool_mb)
        with StopSignals() as stop:
            try:
                reason = self._act(stop)
            except (RobotAbsent, StaleState) as error:  # of a robot that was there once it is RobotLost
                print(f"error: {error}", file=sys.stderr, flush=True)
                pause_before_the_next_start(stop.before)
                return stop.exit_code or NO_ROBOT
            _log.info("stopped: %s", reason)
        return stop.exit_code

    def _act(self, stop: StopSignals) -> str:
        from daydreamer.runtime.actor import run_actor
        from daydreamer.transport.actor_link import ActorLink
        from daydreamer.transport.auth import load_actor_keys

        preset = load(self.preset, with_calibration(self.changes, self.calibration))
        build.check_calibrated(preset)
        directory = writable_directory(RunDir(self.logdir).actor(self.name))
        keys = load_actor_keys(self.keys, self.name) if self.keys else None
        robot_seed, noise_seed = seeds_of(self.seed, self.name, next_life(directory))
        env = build.make_env(preset, self.speed, robot_seed, self.estop)
        link = ActorLink(
            self.connect, self.name, row_spec(env.obs_spec, env.act_spec), directory / "spool", keys=keys,
            spool_limit_bytes=self.spool_mb << 20, when_full=self.when_full, terms=build.terms(preset),
            insecure=self.insecure, patience=LOCK_PATIENCE,
        )  # fmt: skip
        standing = build.time_can_stand_still(preset, self.speed)
        config = replace(preset.actor, wait_for_credit=standing)
        with self._attended(env, standing) as attendant:
            return run_actor(
                env,
                link,
                config,
                env.robot.clock,
                stop,
                timing=env.timing,
                seed=noise_seed,
                attendant=attendant,
                before=stop.before,
            )

    @contextlib.contextmanager
    def _attended(self, env: RobotEnv, paced: bool) -> Iterator[Attendant | None]:
        """Whoever serves the console, which outlives the robot's last damping; None without a console."""
        from daydreamer.transport.console_file import ConsoleFile, token_of
        from daydreamer.transport.link import LinkError

        run_dir = RunDir(self.logdir)
        directory = run_dir.actor(self.name)
        wishes = run_dir.wishes(self.name)
        if self.console == "off":
            if (wanted := WantedFile.read(wishes)) is not Wanted.RUN:
                raise DaydreamerError(
                    f"the robot was put aside by a person ({wanted.value}, {wishes}): nobody could resume it without "
                    "a console. Start without --console off, and `daydreamer hand resume` the run"
                )
            # The life before this one may have ended, this one has not.
            with contextlib.suppress(LinkError, OSError):
                replace(ConsoleFile.read(directory), ended=False).write(directory)
            yield None
            return
        from daydreamer.runtime.attendant import Attendant
        from daydreamer.runtime.events import EventLog

        token = token_of(directory)
        attendant = Attendant(env, self.name, EventLog(run_dir.events), paced, wishes=wishes)
        with contextlib.ExitStack() as closing:
            closing.callback(attendant.close)
            *beyond, here = consoles = self._consoles(token, attendant, closing)

            def post(make: Callable[[], Telemetry]) -> None:
                for console in consoles:
                    console.post(make)

            attendant.post = post
            file = ConsoleFile(here.address, token, self.name, os.getpid())
            path = file.write(directory)
            for console in consoles:
                console.start()
            _log.info("the console is at %s; the control token stands in %s", here.address, path)
            for console in beyond:
                _log.info("with keys the console is at %s, too", console.address)
            if sys.stderr.isatty():  # a log file may be read by others
                _log.info("control token: %s", token)
            yield attendant
        try:  # nothing went wrong, and the robot damps: nobody need look for this actor
            replace(file, ended=True).write(directory)
        except OSError as error:
            _log.warning("that this actor has ended could not be noted, so it is shown as silent: %s", error)

    def _consoles(self, token: str, attendant: Attendant, closing: contextlib.ExitStack) -> list[Console]:
        """What listens; the last one for this computer, where a stop needs no keys, whatever else is asked for."""
        from daydreamer.transport.address import Address
        from daydreamer.transport.console import Console
        from daydreamer.transport.console_keys import console_keys

        ways: list[tuple[str | None, LearnerKeys | None]] = [(self.console or None, None)]
        if self.console and not Address.parse(self.console).is_loopback:
            keys = console_keys(self.keys, self.name) if self.keys else None
            ways = [(self.console, keys), (None, None)]  # in this order: the second takes the next free port
        consoles: list[Console] = []
        for bind, key in ways:
            # Events are written down by one of them, which is closed last.
            chores = (lambda: None) if consoles else attendant.chores
            consoles.append(Console(bind, token, attendant.take, key, chores))
            closing.callback(consoles[-1].close)
        return consoles
