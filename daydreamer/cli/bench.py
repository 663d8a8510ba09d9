"""``daydreamer bench``: how fast each part is on this computer."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from daydreamer.cli import measures
from daydreamer.cli.options import Changes, PresetName, load_preset, spare_a_core

What = Literal["all", "step", "policy", "robot", "replay", "link", "servo"]


@dataclass(frozen=True)
class Bench:
    """Measure gradient step, policy, simulator, replay, link and servo, each by itself, for a few seconds.

    Uses as many threads as a learner would, which leaves one core to the robot; OMP_NUM_THREADS changes that.
    """

    what: Annotated[What, tyro.conf.Positional, tyro.conf.arg(help="which part")] = "all"
    preset: PresetName = "a1-sim"
    changes: Changes = ()
    seconds: Annotated[float, tyro.conf.arg(help="for each part")] = 3.0
    json: Annotated[
        bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help="print one JSON object, nothing else")
    ] = False

    def run(self) -> int:
        """Measure and print."""
        spare_a_core()
        preset = load_preset(self.preset, self.changes)
        chosen = measures.PARTS if self.what == "all" else {self.what: measures.PARTS[self.what]}
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
