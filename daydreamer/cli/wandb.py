"""``daydreamer wandb``: a run's metrics in Weights & Biases, for those who keep their runs there."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from daydreamer.cli.options import log_to_stderr
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.follow_metrics import follow
from daydreamer.runtime.run_dir import RunDir
from daydreamer.runtime.stop_signals import StopSignals
from robots.clock import MonotonicClock


@dataclass(frozen=True)
class Wandb:
    """Send a run's metrics to Weights & Biases, while it goes on or afterwards.

    A process of its own beside the run: no network can slow the learner. Needs: pip install wandb, and an account, or
    --mode offline, which writes into RUN/wandb for `wandb sync`.
    """

    run_directory: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="a run directory")]
    project: str = "daydreamer"
    name: Annotated[str, tyro.conf.arg(help="there; the directory's name by default")] = ""
    mode: Literal["online", "offline"] = "online"
    once: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="end with the file, do not wait for more")
    ] = False

    def run(self) -> int:
        """Follow until stopped."""
        log_to_stderr()
        try:
            wandb: Any = importlib.import_module("wandb")
        except ModuleNotFoundError as error:
            raise DaydreamerError("Weights & Biases needs its client: pip install wandb") from error
        run_dir = RunDir(self.run_directory)
        with StopSignals() as stop:
            service = wandb.init(
                project=self.project,
                name=self.name or self.run_directory.resolve().name,
                id=_identity(self.run_directory),
                resume="allow",
                mode=self.mode,
                dir=str(run_dir.path),
                config=run_dir.read_config(),
            )
            try:
                count = follow(run_dir, service, MonotonicClock(), stop, self.once)
            finally:
                service.finish()
        print(f"{count:,} lines of metrics")
        return stop.exit_code


def _identity(path: Path) -> str:
    """The same run there for the same directory here."""
    return "".join(one if one.isalnum() else "-" for one in str(path.resolve()))[-100:].strip("-")
