"""``daydreamer bench``: how fast each part is on this computer, and what a robot learns in how long."""

from __future__ import annotations

import inspect
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Union

import tyro

from daydreamer.cli import measures
from daydreamer.cli.bench_adaptation import Adaptation
from daydreamer.cli.bench_delay import DelayBench
from daydreamer.cli.bench_estimator import EstimatorBench
from daydreamer.cli.bench_learning import Learning
from daydreamer.cli.bench_load import LinkLoad, ReplayLoad
from daydreamer.cli.bench_robustness import Robustness
from daydreamer.cli.faults import Faults
from daydreamer.cli.options import (
    AgentName,
    Changes,
    Json,
    PresetName,
    check_positive,
    spare_a_core,
    with_agent,
)
from daydreamer.presets import build
from daydreamer.presets.registry import load


@dataclass(frozen=True)
class Speed:
    """Measure step, policy, simulator, replay, link, protocol, servo and console, each by itself, for a few seconds.

    Uses as many threads as a learner would, which leaves one core to the robot; OMP_NUM_THREADS changes that.
    """

    what: tyro.conf.Suppress[str] = "all"
    preset: PresetName = "a1-sim"
    agent: AgentName = ""
    changes: Changes = ()
    seconds: Annotated[float, tyro.conf.arg(help="for each part")] = 3.0
    json: Json = False

    def run(self) -> int:
        """Measure and print."""
        check_positive(seconds=self.seconds)
        spare_a_core()
        preset = load(self.preset, with_agent(self.changes, self.agent))
        chosen = measures.PARTS if self.what == "all" else {self.what: measures.PARTS[self.what]}
        if measures.MOVING & chosen.keys():  # told now, not after what comes before
            build.check_simulated(preset)
        found: dict[str, float] = {}
        for measure in chosen.values():
            for name, value in measure(preset, self.seconds).items():
                found[name] = value
                if not self.json:
                    print(f"{name:32s} {value:12,.2f}", flush=True)
        if self.json:
            json.dump(found, sys.stdout)
            print()
        return 0


def _speed(name: str) -> object:
    """The sub-command that measures the part ``name``."""
    doc = inspect.getdoc(Speed if name == "all" else measures.PARTS[name])
    return Annotated[Speed, tyro.conf.subcommand(name, default=Speed(name), description=doc)]


_EVERYTHING = Speed()

_ALL = (
    *(_speed(name) for name in ("all", *measures.PARTS) if name not in ("link", "replay")),
    Annotated[LinkLoad, tyro.conf.subcommand("link")],
    Annotated[ReplayLoad, tyro.conf.subcommand("replay")],
    Annotated[Learning, tyro.conf.subcommand("learning")],
    Annotated[Robustness, tyro.conf.subcommand("robustness")],
    Annotated[Adaptation, tyro.conf.subcommand("adaptation")],
    Annotated[DelayBench, tyro.conf.subcommand("delay")],
    Annotated[EstimatorBench, tyro.conf.subcommand("estimator")],
    Annotated[Faults, tyro.conf.subcommand("faults")],
)

if TYPE_CHECKING:
    What = (
        Speed
        | LinkLoad
        | ReplayLoad
        | Learning
        | Robustness
        | Adaptation
        | DelayBench
        | EstimatorBench
        | Faults
    )
else:
    What = Union[_ALL]  # noqa: UP007 (made from a table)


@dataclass(frozen=True)
class Bench:
    """Measure: the speed of each part on this computer, or what a robot learns in how long."""

    what: What = _EVERYTHING

    def run(self) -> int:
        """Measure and print."""
        return self.what.run()
