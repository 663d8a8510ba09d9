"""``daydreamer bench delay``: what latency costs a robot that learns, and which way to live with it is better."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from daydreamer.cli.bench_learning import Learning
from daydreamer.cli.options import Changes, PresetName
from daydreamer.core.atomic_file import write_atomically
from daydreamer.core.errors import DaydreamerError
from daydreamer.runtime.learning_results import MILESTONES, median

MODES = ("none", "ahead", "pending")
TICK = 0.002  # s, from a torque to the stand-in's reading of it


@dataclass(frozen=True)
class DelayBench:
    """Train at 0, 20, 40 and 80 ms of latency, with each way to make up for it; write one table.

    A `daydreamer bench learning` for each cell, one after the other, in a directory of its own under --out: the same
    command goes on where it was left. Twelve cells of several seeds take days of two cores.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="DIR", help="for everything that is made")]
    preset: PresetName = "a1-sim"
    changes: Changes = ()
    latencies: Annotated[str, tyro.conf.arg(metavar="S,S,...", help="seconds")] = "0,0.02,0.04,0.08"
    modes: Annotated[str, tyro.conf.arg(metavar="MODE,...", help="none, ahead, pending")] = ",".join(MODES)
    seeds: Annotated[str, tyro.conf.arg(metavar="N,N,...", help="one run each, in every cell")] = "0,1,2"
    robot_minutes: Annotated[float, tyro.conf.arg(metavar="M", help="of each run")] = 30.0
    jobs: Annotated[int, tyro.conf.arg(help="runs at the same time")] = 1

    def run(self) -> int:
        """Train cell after cell; print the table of what there is."""
        rows: list[dict[str, Any]] = []
        for latency, mode in self.cells():
            learning = self.learning(latency, mode)
            print(f"{1000 * latency:g} ms, {mode}: {learning.out}", flush=True)
            if code := learning.run():
                return code
            rows.append({"latency_s": latency, "mode": mode, **summary(learning.out / "results.json")})
            write_atomically(self.out / "delay.json", (json.dumps(rows, indent=1) + "\n").encode())
            write_atomically(self.out / "delay.md", table(rows).encode())
        print(table(rows))
        return 0

    def cells(self) -> list[tuple[float, str]]:
        """Latency and mode of each. Raises DaydreamerError on what is neither."""
        modes = self.modes.split(",")
        if unknown := set(modes) - set(MODES):
            raise DaydreamerError(f"--modes is some of {', '.join(MODES)}; not {', '.join(sorted(unknown))}")
        try:
            latencies = [float(text) for text in self.latencies.split(",")]
        except ValueError as error:
            raise DaydreamerError(f"--latencies is seconds with commas, got '{self.latencies}'") from error
        return [(latency, mode) for latency in latencies for mode in modes]

    def learning(self, latency: float, mode: str) -> Learning:
        """The runs of one cell."""
        made = (
            f"robot_options.latency={latency:g}",
            f"delay.mode={mode}",
            f"delay.seconds={latency + TICK:g}",
        )
        return Learning(
            out=self.out / f"{1000 * latency:g}ms-{mode}", preset=self.preset, changes=(*self.changes, *made),
            seeds=self.seeds, robot_minutes=self.robot_minutes, jobs=self.jobs,
        )  # fmt: skip


def summary(path: Path) -> dict[str, Any]:
    """The medians of one cell's runs, and how many of them walk."""
    results = json.loads(path.read_bytes())["results"]
    times = {name: median([one["evaluated"][name] for one in results]) for name in MILESTONES}
    speeds = [one["walking_speed"] for one in results if one["walking_speed"] is not None]
    walks = sum(one["evaluated"]["walks"] is not None for one in results)
    return {**times, "runs": len(results), "walk": walks, "walking_speed": median(speeds) if speeds else None}


def table(rows: list[dict[str, Any]]) -> str:
    """As Markdown; times are robot minutes, medians over seeds."""
    head = ["latency, ms", "mode", *MILESTONES, "runs that walk", "speed, m/s"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        times = ["-" if row[name] is None else f"{row[name]:g}" for name in MILESTONES]
        speed = "-" if row["walking_speed"] is None else f"{row['walking_speed']:.2f}"
        lines.append(
            [f"{1000 * row['latency_s']:g}", row["mode"], *times, f"{row['walk']} of {row['runs']}", speed]
        )
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
