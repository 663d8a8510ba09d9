"""The actor of the fault bench: the real one, with a journal of what it makes and clocks that can be set.

Started by ``daydreamer bench faults``, never by a person::

    python -m daydreamer.cli.fault_actor --logdir DIR --connect HOST:PORT --journals DIR --clocks FILE
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

import tyro

from daydreamer.cli.options import log_to_stderr
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.specs import ArraySpec
from daydreamer.core.transition import row_spec
from daydreamer.presets import build
from daydreamer.presets.registry import load
from daydreamer.runtime.actor import run_actor
from daydreamer.runtime.die_with_parent import die_with_parent
from daydreamer.runtime.faults.journal import JournalledLink, ShiftedClocks
from daydreamer.runtime.run_dir import RunDir, next_life
from daydreamer.runtime.stop_signals import StopSignals
from daydreamer.transport.actor_link import ActorLink
from robots.robot import RobotError

_log = logging.getLogger(__name__)

NAME = "actor"


@dataclass(frozen=True)
class FaultActor:
    """One life."""

    logdir: Path
    connect: str
    journals: Path
    clocks: Path
    room: int  # rows
    preset: str
    set: tuple[str, ...] = ()
    other_schema: bool = False

    def run(self) -> int:
        """Act in real time until stopped."""
        log_to_stderr()
        die_with_parent()
        with StopSignals() as stop:
            preset = load(self.preset, self.set)
            directory = RunDir(self.logdir).actor(NAME)
            life = next_life(directory)
            env = build.make_env(preset, "realtime", life)
            rows = row_spec(env.obs_spec, env.act_spec)
            if self.other_schema:
                rows["another"] = ArraySpec((3,))
            clocks = ShiftedClocks(self.clocks)
            link = ActorLink(
                self.connect, NAME if not self.other_schema else "stranger", rows, directory / "spool",
                clock=clocks.monotonic, wall_clock=clocks.wall, terms=build.terms(preset),
            )  # fmt: skip
            journalled = JournalledLink(link, self.journals, self.room)
            reason = run_actor(
                env, journalled, preset.actor, env.robot.clock, stop, timing=env.timing, seed=life
            )
            _log.info("stopped: %s", reason)
            return stop.exit_code


if __name__ == "__main__":
    try:
        code = tyro.cli(FaultActor).run()
    except (DaydreamerError, RobotError) as error:
        sys.stderr.write(f"error: {error}\n")
        code = 2
    sys.exit(code)
