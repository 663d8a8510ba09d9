"""``daydreamer learner``: the learning half by itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from daydreamer.cli.options import (
    AgentName,
    Changes,
    KeysDir,
    Logdir,
    PresetName,
    check_positive,
    check_seed,
    log_to_stderr,
    spare_a_core,
    with_agent,
)
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import Specs
from daydreamer.core.transition import row_spec
from daydreamer.core.writable import writable_directory
from daydreamer.presets import build
from daydreamer.presets.preset import defaults
from daydreamer.presets.registry import load
from daydreamer.replay import Replay, ReplayLocked
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.stop_signals import StopSignals
from robots.clock import MonotonicClock

_log = logging.getLogger(__name__)

LOCK_PATIENCE = 5.0  # s; a killed supervisor's learner is gone within three


@dataclass(frozen=True)
class LearnerCommand:
    """Learn from what actors send, and publish policies to them. Needs torch (the extra 'learner').

    Listens on one TCP port. Beyond this computer it listens only with --keys. The same command on the same
    --logdir goes on where it stopped.
    """

    logdir: Logdir
    preset: PresetName = "a1-sim"
    agent: AgentName = ""
    changes: Changes = ()
    bind: Annotated[str, tyro.conf.arg(metavar="HOST:PORT", help="where to listen")] = "127.0.0.1:5555"
    keys: KeysDir = None
    robot_minutes: Annotated[
        float | None,
        tyro.conf.arg(metavar="M", help="finish when the robots have lived so long; none: never"),
    ] = None
    seed: Annotated[int, tyro.conf.arg(help="of weights and sampling; a run that goes on keeps its own")] = 0
    speed: Annotated[
        Literal["max", "realtime"],
        tyro.conf.arg(
            help="as the actor's: at 'max' the robot waits for the learner, and all rows are learned from"
        ),
    ] = "max"
    insecure: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="listen beyond this computer without keys")
    ] = False

    def run(self) -> int:
        """Learn until finished or stopped."""
        log_to_stderr()
        die_with_parent()
        spare_a_core()
        check_seed(self.seed)
        check_positive(robot_minutes=self.robot_minutes)
        try:
            with StopSignals() as stop:
                reason = self._learn(stop)
                _log.info("stopped: %s", reason)
        except ModuleNotFoundError as error:
            raise DaydreamerError(
                f"the learner needs {error.name}; from a clone: pip install '.[learner]'"
            ) from error
        return stop.exit_code

    def _learn(self, stop: StopSignals) -> str:
        from daydreamer.monitor.writers import Fanout, JsonlWriter, TensorBoardWriter
        from daydreamer.runtime.events import EventLog
        from daydreamer.runtime.gallery import Gallery
        from daydreamer.runtime.learner import Learner
        from daydreamer.transport.auth import load_learner_keys
        from daydreamer.transport.learner_link import LearnerLink

        changes = with_agent(self.changes, self.agent)
        preset = load(self.preset, changes)
        env = build.make_env(preset)  # for its specs; never connected
        rows = row_spec(env.obs_spec, env.act_spec)
        run_dir = RunDir(writable_directory(self.logdir))
        seed = run_dir.seed(self.seed)
        if seed != self.seed:
            _log.warning("this run was begun with seed %d and keeps it", seed)
        config = {
            **build.describe(preset, env.obs_spec, env.act_spec),
            "robot_minutes": self.robot_minutes,
            "seed": seed,
            "speed": self.speed,
            "changes": list(changes),
        }
        # Of another preset's run this says more than its rows, which do not fit either.
        run_dir.check(config, defaults(preset))
        # The replay's lock comes first: a second learner on the same directory must not touch its configuration. No row
        # is dropped before rows come in, and so none of a run whose configuration is then refused.
        with self._open(run_dir.replay, rows, preset.learner.capacity, seed) as replay:
            # What cannot be made leaves no configuration: with the mistake put right it would be another run's.
            symmetry = build.symmetry(preset)
            agent = build.make_agent(preset, env.obs_spec, env.act_spec, seed)
            run_dir.claim(config, defaults(preset))
            link = LearnerLink(
                self.bind, rows, replay.next_seq, keys=load_learner_keys(self.keys) if self.keys else None,
                insecure=self.insecure, durable_rows=lambda: replay.collected, terms=build.terms(preset),
            )  # fmt: skip
            tensorboard = TensorBoardWriter(run_dir.tensorboard)
            writer = Fanout(JsonlWriter(run_dir.metrics), tensorboard)
            events = EventLog(run_dir.events)
            try:
                learner = Learner(
                    agent, replay, link, run_dir, writer, events, preset.learner, rows, preset.hz,
                    self.robot_minutes, catch_up=build.time_can_stand_still(preset, self.speed),
                    symmetry=symmetry, seed=seed,
                    gallery=Gallery(tensorboard, preset.hz, MonotonicClock().now),
                )  # fmt: skip
                return learner.run(stop)
            finally:
                link.close()
                writer.close()
                events.close()

    def _open(self, directory: Path, rows: Specs, capacity: int, seed: int) -> Replay:
        """The replay; a learner that was killed a moment ago is given time to let go of it."""
        clock = MonotonicClock()
        deadline = clock.now() + LOCK_PATIENCE
        while True:
            try:
                return Replay(directory, rows, capacity, seed)
            except ReplayLocked:
                if clock.now() > deadline:
                    raise
                clock.sleep_until(clock.now() + 0.2)
