"""``daydreamer actor``: the robot's half by itself."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
import tyro

from daydreamer.cli.options import Changes, KeysDir, Logdir, PresetName, load_preset, log_to_stderr
from daydreamer.core.transition import row_spec
from daydreamer.presets import build
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.run_dir import RunDir, next_life
from daydreamer.runtime.stop_signals import StopSignals

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ActorCommand:
    """Drive a robot by the newest policy of a learner, and send it what happens. Needs no torch.

    Connects out to the learner and goes on without it: rows wait on disk, in --logdir, until they are
    acknowledged. Ctrl-C leaves the robot damped.
    """

    logdir: Logdir
    preset: PresetName = "a1-sim"
    changes: Changes = ()
    connect: Annotated[str, tyro.conf.arg(metavar="HOST:PORT", help="where the learner listens")] = (
        "127.0.0.1:5555"
    )
    keys: KeysDir = None
    name: Annotated[
        str, tyro.conf.arg(help="of this actor; each has its own, and its own key actor NAME")
    ] = "actor"
    seed: Annotated[int, tyro.conf.arg(help="of a simulated robot and of exploration")] = 0
    speed: Annotated[
        Literal["max", "realtime"],
        tyro.conf.arg(help="of a simulated robot: as fast as possible, or as on Earth"),
    ] = "max"

    def run(self) -> int:
        """Act until stopped."""
        log_to_stderr()
        die_with_parent()
        with StopSignals() as stop:
            reason = self._act(stop)
        _log.info("stopped: %s", reason)
        return stop.exit_code

    def _act(self, stop: StopSignals) -> str:
        from daydreamer.runtime.actor import run_actor
        from daydreamer.transport.actor_link import ActorLink
        from daydreamer.transport.auth import load_actor_keys

        preset = load_preset(self.preset, self.changes)
        directory = RunDir(self.logdir).actor(self.name)
        keys = load_actor_keys(self.keys, self.name) if self.keys else None
        # Every life draws other numbers, and the same ones when the run is repeated.
        robot_seed, noise_seed = np.random.SeedSequence([self.seed, next_life(directory)]).generate_state(2)
        env = build.make_env(preset, self.speed, int(robot_seed))
        link = ActorLink(
            self.connect, self.name, row_spec(env.obs_spec, env.act_spec), directory / "spool", keys=keys
        )
        config = replace(preset.actor, wait_for_credit=build.time_can_stand_still(preset, self.speed))
        return run_actor(env, link, config, env.robot.clock, stop, timing=env.timing, seed=int(noise_seed))
