"""``daydreamer bench robustness``: what a finished policy bears that it was perhaps not trained for."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from daydreamer.cli.options import Changes, Json, check_positive
from daydreamer.cli.policy_source import Source, find_policy
from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError
from daydreamer.core.writable import writable_directory
from daydreamer.presets.registry import load
from daydreamer.presets.trial import Trial, run_all
from daydreamer.runtime.run_dir import software
from daydreamer.runtime.scoring import Evaluation

# What is changed, one thing at a time: option of the stand-in -> its values. The first row is the robot as it is.
GRID: dict[str, tuple[float, ...]] = {
    "friction": (0.3, 0.5, 0.8, 1.2),
    "payload": (1.0, 2.0, 3.0, 4.0),
    "latency": (0.0, 0.01, 0.02, 0.04, 0.06),
    "kp_scale": (0.7, 0.85, 1.15, 1.3),
    "max_torque": (20.0, 25.0, 30.0, 33.5),
    "dt": (0.001,),
}
UNITS = {"payload": "kg", "latency": "s", "max_torque": "N m", "dt": "s"}
AS_TRAINED = "as trained"


@dataclass(frozen=True)
class Robustness:
    """Roll a policy out on robots that differ from its own, without learning: the share of rollouts that walk.

    One thing is changed at a time: friction, payload, latency, position gain, torque limit, physics step. Several
    policies make columns of one table.
    """

    policies: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        tyro.conf.arg(
            metavar="POLICY|RUN", help=".onnx files, or runs: the best policy of each, or its newest"
        ),
    ]
    rollouts: Annotated[int, tyro.conf.arg(help="in each cell, each with a seed of its own")] = 5
    seconds: Annotated[float, tyro.conf.arg(help="of each")] = 60.0
    only: Annotated[
        tuple[str, ...], tyro.conf.arg(metavar="OPTION", help="some of the options, not all")
    ] = ()
    jobs: Annotated[int, tyro.conf.arg(help="processes at once")] = 1
    out: Annotated[
        Path | None,
        tyro.conf.arg(metavar="DIR", help="write robustness.md and .json there, and remember results"),
    ] = None
    changes: Changes = ()
    json: Json = False

    def run(self) -> int:
        """Roll out, print, write."""
        check_positive(rollouts=self.rollouts, seconds=self.seconds)
        if not self.policies:
            raise DaydreamerError("name at least one policy or run")
        if unknown := set(self.only) - GRID.keys():
            raise DaydreamerError(f"the grid has {', '.join(GRID)}; not {', '.join(sorted(unknown))}")
        sources = [find_policy(path) for path in self.policies]
        labels = {AS_TRAINED: ()} | {
            f"{name} {value:g}{' ' + UNITS[name] if name in UNITS else ''}": (
                f"robot_options.{name}={value:g}",
            )
            for name, values in GRID.items()
            if not self.only or name in self.only
            for value in values
        }
        trials = [self._trial(source, change) for change in labels.values() for source in sources]
        if self.out is not None:
            writable_directory(self.out)
        found: dict[str, list[Evaluation]] = {label: [] for label in labels}
        self._say(f"{'':22s}" + "   ".join(source.name for source in sources))
        results = run_all(trials, self.jobs, [self.out / "evaluations" if self.out else None] * len(trials))
        for label, cells in found.items():
            cells += [next(results)[1] for _ in sources]
            self._say(f"{label:22s}" + "   ".join(_cell(cell) for cell in cells))
        self._write(sources, found)
        return 0

    def _trial(self, source: Source, change: tuple[str, ...]) -> Trial:
        changes = (*source.changes, *self.changes, *change)
        preset = load(source.preset, changes)
        if preset.robot != "a1-sim":
            raise DaydreamerError(
                f"{source.name} is for the robot '{preset.robot}'; only the stand-in 'a1-sim' can be made different"
            )
        return Trial(source.policy, source.preset, changes, self.rollouts, self.seconds)

    def _write(self, sources: list[Source], found: dict[str, list[Evaluation]]) -> None:
        data = {
            "command": shlex.join(["daydreamer", *sys.argv[1:]]),
            "software": software(),
            "policies": [source.name for source in sources],
            "rollouts": self.rollouts,
            "seconds": self.seconds,
            "cells": {label: [_numbers(cell) for cell in cells] for label, cells in found.items()},
        }
        if self.json:
            json.dump(data, sys.stdout)
            print()
        if self.out is None:
            return
        lines = [["robot", *(source.name for source in sources)], ["---"] * (1 + len(sources))]
        lines += [[label, *(_cell(cell) for cell in cells)] for label, cells in found.items()]
        table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
        write_atomically(self.out / "robustness.md", table.encode())
        write_atomically(self.out / "robustness.json", (json.dumps(data, indent=1) + "\n").encode())

    def _say(self, text: str) -> None:
        if not self.json:
            print(text, flush=True)


def _cell(result: Evaluation) -> str:
    return f"walks {result.share('walks'):.0%}, {result.walking_speed:+.2f} m/s, {result.falls:.1f} falls"


def _numbers(result: Evaluation) -> dict[str, float]:
    shares = {name: result.share(name) for name in ("walks", "stands")}
    return shares | {name: getattr(result, name) for name in ("walking_speed", "falls", "upright")}
